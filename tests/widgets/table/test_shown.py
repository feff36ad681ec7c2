"""What a table shows without its kernel, collection or client."""

import chromalab


def test_a_deleted_collection_is_reported_in_the_widget(browser, notes, client):
    client.delete_collection("notes")
    browser.table._after_write()
    assert "notes" in browser.table.error or "collection" in browser.table.error.lower()


def test_a_saved_notebook_shows_the_first_rows(browser, notes):
    data, _ = browser.table._repr_mimebundle_()
    assert "white chalk" in data["text/html"]
    assert "4 records" in data["text/html"]


def test_a_table_of_a_closed_client_displays_the_error():
    client = chromalab.EphemeralClient()
    table = client.create_collection("empty", embedding_function=None).table()
    client.close()
    data, _ = table._repr_mimebundle_()
    assert "<p>Table: This client was closed." in data["text/html"]
