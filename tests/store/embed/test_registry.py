import sys
import types

import pytest

import chromalab
from chromalab.embed import (
    DefaultEmbeddingFunction,
    EmbeddingFunction,
    MiniLM,
    ONNXMiniLM_L6_V2,
    WordLlama,
    check_conflict,
    from_config,
    known_embedding_functions,
    name_of,
    register_embedding_function,
    to_config,
)
from chromalab.errors import EmbeddingFunctionError


class Scaled(EmbeddingFunction):
    def __init__(self, **config):
        self.config = config

    def __call__(self, input):
        return [[self.config["scale"]]] * len(input)

    @staticmethod
    def name():
        return "scaled"

    def get_config(self):
        return self.config

    @staticmethod
    def build_from_config(config):
        return Scaled(**config)


@pytest.fixture
def registry():
    before = dict(known_embedding_functions)
    yield
    known_embedding_functions.clear()
    known_embedding_functions.update(before)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(known_embedding_functions, "scaled", None)
    return register_embedding_function(Scaled)


@pytest.mark.parametrize("function", [DefaultEmbeddingFunction(), MiniLM(), WordLlama()])
def test_built_in_functions_survive_a_round_trip_through_their_configuration(function):
    config = to_config(function)
    assert config == {"type": "known", "name": function.name(), "config": {}}
    assert type(from_config(config)) is type(function)


@pytest.mark.parametrize("providers", [None, ["CPUExecutionProvider"]])
def test_a_collection_created_with_chromas_minilm_opens(providers):
    config = {"preferred_providers": providers}
    stored = {"type": "known", "name": "onnx_mini_lm_l6_v2", "config": config}
    assert to_config(from_config(stored)) == stored
    assert type(from_config({**stored, "config": {}})) is ONNXMiniLM_L6_V2


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"preferred_providers": ["CUDAExecutionProvider"]}, "got \\['CUDAExecutionProvider'\\]"),
        ({"preferred_providers": None, "device": "cuda"}, "has no setting device"),
    ],
)
def test_settings_of_chromas_minilm_that_would_be_ignored_are_refused(config, message):
    with pytest.raises(EmbeddingFunctionError, match=message):
        from_config({"type": "known", "name": "onnx_mini_lm_l6_v2", "config": config})


def test_a_class_instead_of_an_instance_is_refused_with_the_code_to_write():
    for refuse in (to_config, lambda function: check_conflict(function, None)):
        with pytest.raises(EmbeddingFunctionError, match=r"got the class MiniLM\. Pass MiniLM\(\)"):
            refuse(MiniLM)


def test_only_instances_have_a_function_name():
    unnamed = type("Unnamed", (Scaled,), {"name": lambda self: "x"})
    assert name_of(unnamed) is None
    assert name_of(unnamed()) == "x"


def test_a_registered_class_is_rebuilt_with_its_settings(registered):
    again = from_config(to_config(Scaled(scale=3)))
    assert again(["a"]).tolist() == [[3]]


def test_register_works_as_a_decorator_with_and_without_parentheses(monkeypatch):
    monkeypatch.setitem(known_embedding_functions, "scaled", None)
    assert register_embedding_function()(Scaled) is Scaled
    assert known_embedding_functions["scaled"] is Scaled


def test_a_class_that_cannot_be_rebuilt_is_not_registered():
    class Nameless(EmbeddingFunction):
        def __call__(self, input):
            return [[1]] * len(input)

    with pytest.raises(EmbeddingFunctionError, match="name, get_config, build_from_config"):
        register_embedding_function(Nameless)


@pytest.mark.parametrize(
    ("name", "message"),
    [(lambda self: "x", "staticmethod"), (staticmethod(lambda: ""), "got ''")],
)
def test_a_class_with_an_invalid_name_is_not_registered(name, message):
    unnamed = type("Unnamed", (Scaled,), {"name": name})
    with pytest.raises(EmbeddingFunctionError, match=message):
        register_embedding_function(unnamed)


def test_a_missing_function_is_stored_as_none_and_a_plain_one_as_legacy():
    assert to_config(None) is None
    assert to_config(lambda input: []) == {"type": "legacy"}
    assert from_config(None) is None
    assert from_config({"type": "legacy"}) is None


def test_an_unknown_name_raises_an_error_with_a_suggestion_and_a_remedy():
    with pytest.raises(EmbeddingFunctionError) as caught:
        from_config({"type": "known", "name": "wordlama", "config": {}})
    for part in ("'wordlama'", "Did you mean 'wordllama'?", "Import the module", "embedding_fun"):
        assert part in str(caught.value)


def test_a_function_that_differs_from_the_stored_one_is_refused():
    stored = to_config(MiniLM())
    with pytest.raises(ValueError, match="'minilm'; got 'wordllama'"):
        check_conflict(WordLlama(), stored)
    with pytest.raises(EmbeddingFunctionError, match="got 'function'"):
        check_conflict(lambda input: [], stored)


@pytest.mark.parametrize("given", [None, MiniLM(), DefaultEmbeddingFunction()])
def test_the_same_function_the_default_and_none_do_not_conflict(given):
    check_conflict(given, to_config(MiniLM()))
    check_conflict(given, None)
    check_conflict(given, {"type": "legacy"})


def test_all_names_of_minilm_count_as_the_same_function():
    same = [DefaultEmbeddingFunction(), MiniLM(), ONNXMiniLM_L6_V2()]
    for given in same:
        for stored in same:
            check_conflict(given, to_config(stored))
        with pytest.raises(EmbeddingFunctionError):
            check_conflict(WordLlama(), to_config(given))
    for given in same[1:]:
        with pytest.raises(EmbeddingFunctionError):
            check_conflict(given, to_config(WordLlama()))


SECRET_KEYS = [
    "huggingface_token",
    "github_token",
    "sas_token",
    "id_token",
    "hfToken",
    "api_tokens",
    "private_key",
    "account_key",
    "subscription_key",
    "connection_string",
    "passphrase",
    "pwd",
    "api_keys",
    "db_password",
    "secrets",
    "credentials",
    "Proxy-Authorization",
]


@pytest.mark.parametrize("key", SECRET_KEYS)
@pytest.mark.parametrize("wrap", [str, lambda text: [None, text], lambda text: {"a": {"b": text}}])
def test_a_secret_is_recognized_by_its_key_even_in_a_list_or_dict(key, wrap):
    with pytest.raises(EmbeddingFunctionError, match=key) as caught:
        to_config(Scaled(inner={key: wrap("abc123")}))
    assert "abc123" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "https://user:abc123@host/v1",
        "https://abc123@host",
        "postgresql://user:abc123@host/db",
        *("sk-abc123", "hf_abc123", "ghp_abc123", "AKIAabc123", "Bearer abc123", "bearer abc123"),
    ],
)
def test_a_secret_is_recognized_by_its_value_under_any_key(value):
    for config in ({"x": value}, {"x": [[{"y": value}]]}, {"api_key_env_var": value}):
        with pytest.raises(EmbeddingFunctionError, match="environment variable") as caught:
            to_config(Scaled(**config))
        assert "abc123" not in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        {"api_key": "sk-123"},
        {"apiKey": "sk-123"},
        {"x-api-key": "sk-123"},
        {"openai_api_key": "sk-123"},
        {"token": "sk-123"},
        {"hf_token": "sk-123"},
        {"password": "sk-123"},
        {"client_secret": "sk-123"},
        {"aws_secret_access_key": "sk-123"},
        {"headers": {"Authorization": "sk-123"}},
        {"endpoints": [{"auth_token": "sk-123"}]},
    ],
)
def test_a_secret_is_neither_stored_nor_repeated_in_the_error(config):
    with pytest.raises(EmbeddingFunctionError, match="environment variable") as caught:
        to_config(Scaled(**config))
    assert "sk-123" not in str(caught.value)


def test_settings_that_merely_mention_a_secret_are_stored():
    config = {
        **{"api_key_env_var": "KEY", "api_key": None, "use_auth_token": True, "max_tokens": 5},
        **{"pad_token": "[PAD]", "additional_special_tokens": ["[A]"], "tokenizer": "bert"},
        **{"url": "https://host:8080/v1", "model": "sentence-transformers/all-MiniLM-L6-v2"},
    }
    assert to_config(Scaled(**config))["config"] == config


def test_a_configuration_that_is_not_json_is_refused():
    with pytest.raises(EmbeddingFunctionError, match="cannot be stored as JSON"):
        to_config(Scaled(scale={1, 2}))


class KeyTaker:
    """Written for Chroma's protocol: it cannot be built without a key that only its caller has."""

    def __init__(self, api_key=None):
        if api_key is None:
            raise ValueError("The KEY_TAKER environment variable is not set.")

    def __call__(self, input):
        return [[len(text), 1] for text in input]

    @staticmethod
    def name():
        return "key_taker"

    def get_config(self):
        return {"api_key_env_var": "KEY_TAKER"}

    @classmethod
    def build_from_config(cls, config):
        return cls()

    def is_legacy(self):  # as Chroma's does
        return self.build_from_config(self.get_config()) is NotImplemented


def test_a_function_with_a_key_makes_a_collection_without_being_built_again(tmp_path, registry):
    stored = {"type": "known", "name": "key_taker", "config": {"api_key_env_var": "KEY_TAKER"}}
    with chromalab.PersistentClient(tmp_path) as client:
        docs = client.create_collection("docs", embedding_function=KeyTaker("sk-1"))
        assert docs.configuration_json["embedding_function"] == stored
        docs.add(ids=["a"], documents=["tea"])
        found = client.get_collection("docs")  # registered when the collection was created
        with pytest.raises(
            EmbeddingFunctionError, match="KEY_TAKER environment variable is not set"
        ):
            found.query(query_texts=["tea"])
        found = client.get_collection("docs", embedding_function=KeyTaker("sk-1"))
        assert found.query(query_texts=["tea"])["ids"] == [["a"]]


def test_a_function_that_fails_to_describe_itself_is_legacy(registry):
    class Failing(KeyTaker):
        def get_config(self):
            raise RuntimeError("no network")

    assert to_config(Failing("sk-1")) == {"type": "legacy"}


def test_a_given_class_never_replaces_one_of_chromalab(registry):
    class Theirs(KeyTaker):
        @staticmethod
        def name():
            return "default"

    chromalab.EphemeralClient().create_collection("docs", embedding_function=Theirs("sk-1"))
    assert known_embedding_functions["default"] is chromalab.embed.DefaultEmbeddingFunction


def test_a_function_of_a_loaded_chromadb_is_found(monkeypatch, registry):
    module = types.ModuleType("chromadb.utils.embedding_functions")
    module.known_embedding_functions = {"key_taker": KeyTaker}
    config = {"type": "known", "name": "key_taker", "config": {}}
    with pytest.raises(EmbeddingFunctionError, match=r"chromadb\.utils\.embedding_functions"):
        from_config(config)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(EmbeddingFunctionError, match="could not be built: The KEY_TAKER"):
        from_config(config)
