import inspect
import subprocess
import sys

from chromalab.analytics import cluster
from chromalab.deferred import Deferred


def test_a_deferred_name_becomes_the_method_of_its_class():
    class Shelf:
        listed = Deferred("inspect").getdoc

    assert Shelf().listed() == inspect.getdoc(Shelf())
    assert vars(Shelf)["listed"] is inspect.getdoc


def test_a_query_imports_no_analysis_and_an_analysis_is_the_function_itself():
    code = """
import sys, chromalab
points = chromalab.EphemeralClient().create_collection("points", embedding_function=None)
points.add(ids=["a"], embeddings=[[0, 1]])
points.query(query_embeddings=[[0, 1]], n_results=1)
unused = {"analytics", "evaluation", "feedback", "judgments", "selection", "tuning"}
print(*[room for room in unused if f"chromalab.{room}" in sys.modules])
print(chromalab.Collection.cluster is chromalab.analytics.cluster)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["", "True"]


def test_the_signature_of_a_deferred_method_is_that_of_the_function(client):
    points = client.create_collection("points", embedding_function=None)
    of_method, of_function = inspect.signature(points.cluster), inspect.signature(cluster)
    assert [*of_method.parameters] == [*of_function.parameters][1:]
