"""Tenants, databases and settings: who sees which collections, and which errors report missing ones."""

import uuid

import pytest

import chromalab
from chromalab import errors
from chromalab.config import Settings


@pytest.fixture
def client(tmp_path):
    with chromalab.PersistentClient(tmp_path, Settings(allow_reset=True)) as client:
        yield client


@pytest.fixture
def admin(client):
    with chromalab.AdminClient(client.get_settings()) as admin:
        admin.create_tenant("acme")
        admin.create_database("papers", "acme")
        yield admin


def test_collections_of_two_databases_can_have_the_same_name_and_are_separate(
    client, admin, tmp_path
):
    here = client.create_collection("notes", embedding_function=None)
    here.add(ids=["a"], embeddings=[[1, 2]])
    client.set_tenant("acme", "papers")
    assert client.list_collections() == []
    there = client.create_collection("notes", embedding_function=None)
    there.add(ids=["b", "c"], embeddings=[[1], [2]])
    assert (there.tenant, there.database) == ("acme", "papers")
    assert repr(client) == f"PersistentClient('{tmp_path}', acme/papers, 1 collection)"
    assert here.get()["ids"] == ["a"]
    with pytest.raises(errors.NotFoundError, match=r"in database 'papers' of tenant 'acme'"):
        client.get_collection_by_id(here.id)
    client.set_tenant("default_tenant")
    assert client.get_collection("notes") == here
    with chromalab.PersistentClient(tmp_path, tenant="acme", database="papers") as other:
        assert other.get_collection("notes").count() == 2


def test_a_missing_tenant_or_database_is_reported_with_similar_names(client, admin, tmp_path):
    with pytest.raises(
        errors.NotFoundError, match=r"Tenant 'acne' not found\. Did you mean 'acme'"
    ):
        client.set_tenant("acne")
    with pytest.raises(
        errors.NotFoundError, match=r"Database 'paper' not found in tenant 'acme'\. Did"
    ):
        client.set_tenant("acme", "paper")
    with pytest.raises(
        errors.NotFoundError, match="Database 'x' not found in tenant 'default_tenant'"
    ):
        chromalab.PersistentClient(tmp_path, database="x")
    with pytest.raises(errors.NotFoundError, match="Tenant 'other' not found"):
        chromalab.PersistentClient(tmp_path, tenant="other")
    for call in (admin.get_tenant, admin.delete_database, admin.get_database):
        with pytest.raises(errors.NotFoundError):
            call("nope")
    with pytest.raises(errors.NotFoundError):
        admin.list_databases(tenant="nope")
    assert (client.tenant, client.database) == ("default_tenant", "default_database")


def test_deleting_a_database_deletes_only_its_collections_and_their_files(client, admin, tmp_path):
    kept = client.create_collection("kept", embedding_function=None)
    kept.add(ids=["a"], embeddings=[[1, 2]])
    client.set_tenant("acme", "papers")
    gone = client.create_collection("gone", embedding_function=None)
    gone.add(ids=["a"], embeddings=[[1, 2]])
    admin.delete_database("papers", "acme")
    assert [file.name for file in (tmp_path / "vectors").iterdir()] == [f"{kept.id}-0.f32"]
    with pytest.raises(errors.NotFoundError, match="it was deleted"):
        gone.count()
    with pytest.raises(errors.NotFoundError, match="Database 'papers' not found"):
        client.create_collection("late", embedding_function=None)
    assert admin.list_databases(tenant="acme") == []
    admin.create_database("papers", "acme")
    assert client.count_collections() == 0


def test_the_default_database_can_be_deleted_and_created_again(client, admin, tmp_path):
    admin.delete_database("default_database")
    with pytest.raises(errors.NotFoundError, match=r"Databases: none yet.*Create one"):
        chromalab.PersistentClient(tmp_path)
    with chromalab.AdminClient(
        Settings(is_persistent=True, persist_directory=str(tmp_path))
    ) as other:
        other.create_database("default_database")
    assert chromalab.PersistentClient(tmp_path).count_collections() == 0


@pytest.mark.parametrize(
    "name",
    ["x'; DROP TABLE tenants; --", "../../etc", "a b/c", "漢字 é", "x" * 2000, "%_%", "--;"],
)
def test_any_text_can_be_a_name_and_is_never_a_path_or_sql(client, admin, tmp_path, name):
    before = {path.name for path in tmp_path.rglob("*")}
    admin.create_tenant(name)
    admin.create_database(name, name)
    client.set_tenant(name, name)
    client.create_collection("notes", embedding_function=None)
    assert admin.get_tenant(name) == {"name": name}
    found = admin.get_database(name, name)
    assert (found["name"], found["tenant"]) == (name, name)
    assert isinstance(found["id"], uuid.UUID)
    assert {path.name for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("name", ["ab", "", "a\nb", "a\0b", "\x1b[31m", "\ud800bc"])
def test_an_invalid_name_is_rejected(admin, name):
    with pytest.raises(errors.InvalidArgumentError):
        admin.create_tenant(name)
    with pytest.raises(errors.InvalidArgumentError):
        admin.create_database(name)
    with pytest.raises(errors.ChromalabError):
        admin.get_tenant(name)
    with pytest.raises(TypeError):
        admin.create_tenant(3)


def test_a_name_that_is_taken_is_reported(admin):
    with pytest.raises(errors.UniqueConstraintError, match="Tenant 'acme' already exists"):
        admin.create_tenant("acme")
    with pytest.raises(errors.UniqueConstraintError, match="Database 'papers' already exists"):
        admin.create_database("papers", "acme")


def test_reset_deletes_everything_if_the_settings_allow_it(client, admin, tmp_path):
    notes = client.create_collection("notes", embedding_function=None)
    notes.add(ids=["a"], embeddings=[[1, 2]])
    with chromalab.PersistentClient(tmp_path) as careful:
        with pytest.raises(PermissionError, match=r"Settings\(allow_reset=True\)"):
            careful.reset()
        assert client.reset() is True
        assert careful.count_collections() == 0
    assert list((tmp_path / "vectors").iterdir()) == []
    with pytest.raises(errors.NotFoundError):
        notes.count()
    with pytest.raises(errors.NotFoundError):
        admin.get_tenant("acme")
    again = client.create_collection("notes", embedding_function=None)
    again.add(ids=["b"], embeddings=[[1, 2, 3]])
    assert again.query(query_embeddings=[[1, 2, 3]])["ids"] == [["b"]]


def test_a_client_opens_the_store_of_its_settings(tmp_path):
    settings = Settings(is_persistent=True, persist_directory=tmp_path, durability="normal")
    client = chromalab.Client(settings)
    assert repr(client) == f"PersistentClient('{tmp_path}', 0 collections)"
    assert client.get_settings()["durability"] == "normal"
    assert client.get_settings() == settings
    assert chromalab.Client(Settings()).get_settings().is_persistent is False
    one = Settings(allow_reset=True)
    assert chromalab.EphemeralClient(one) is not chromalab.EphemeralClient(one)
    first, second = chromalab.EphemeralClient(one), chromalab.EphemeralClient(one)
    first.create_collection("notes", embedding_function=None)
    assert second.count_collections() == 0


def test_ignored_settings_of_chroma_are_accepted_and_unknown_ones_reported():
    Settings(anonymized_telemetry=False, migrations="apply", chroma_otel_service_name="x")
    for wrong, message in (
        ({"alow_reset": True}, "Did you mean 'allow_reset'"),
        ({"chroma_server_host": "localhost"}, "No setting 'chroma_server_host'"),
        ({"allow_reset": "yes"}, "allow_reset must be True or False; got 'yes'"),
    ):
        with pytest.raises(errors.InvalidArgumentError, match=message):
            Settings(**wrong)
    with pytest.raises(AttributeError):
        Settings().alow_reset = True
    with pytest.raises(errors.InvalidArgumentError, match="No setting 'x'"):
        Settings()["x"]


def test_the_user_of_a_client(client):
    assert client.get_user_identity().databases == ["default_database"]
    assert client.clear_system_cache() is None
    with pytest.raises(errors.InvalidUUIDError, match="must be a UUID"):
        client.get_collection_by_id("notes")


def test_errors_have_chromas_names_and_codes():
    assert errors.InvalidDimensionException.name() == "InvalidDimension"
    assert errors.error_types["AuthError"] is errors.ChromaAuthError
    assert errors.AuthorizationError("no").code() == 401
    assert errors.ClientClosedError("closed").message() == "closed"
    assert all(issubclass(kind, errors.ChromaError) for kind in errors.error_types.values())


def test_a_spann_configuration_warns_that_it_runs_as_hnsw(client):
    with pytest.warns(
        errors.ChromalabWarning, match="'sss' gets an hnsw index.*only the space"
    ) as warned:
        made = client.create_collection(
            "sss",
            configuration={"spann": {"ef_search": 50, "space": "cosine"}},
            embedding_function=None,
        )
    assert warned[0].filename == __file__
    stored = made.configuration_json
    assert (made.space, stored["hnsw"]["ef_search"], stored["spann"]) == ("cosine", 100, None)
    assert made.get_model()["configuration_json"] == stored
    with pytest.raises(errors.InvalidArgumentError, match="cannot both be provided"):
        client.create_collection("both", configuration={"hnsw": {}, "spann": {}})
    assert client.get_or_create_collection("sss", embedding_function=None) == made
    with pytest.warns(errors.ChromalabWarning) as warned:
        client.get_or_create_collection("ttt", configuration={"spann": {}}, embedding_function=None)
    assert warned[0].filename == __file__
