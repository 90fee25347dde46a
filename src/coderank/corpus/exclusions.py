"""Files that are left out by their name alone, without being opened. Pure."""

from __future__ import annotations

import re

from coderank.types import SkipReason

_LOCK_FILES = frozenset(
    """
    bun.lock bun.lockb cargo.lock chart.lock composer.lock conan.lock conda-lock.yml deno.lock flake.lock gemfile.lock
    go.sum go.work.sum gradle.lockfile mix.lock npm-shrinkwrap.json package-lock.json package.resolved
    packages.lock.json paket.lock pdm.lock pipfile.lock pixi.lock pnpm-lock.yaml podfile.lock poetry.lock pubspec.lock
    pylock.toml rebar.lock renv.lock shard.lock stack.yaml.lock uv.lock yarn.lock .terraform.lock.hcl cartfile.resolved
    """.split()
)

_SECRETS = frozenset(
    """
    .dockercfg .env .envrc .git-credentials .htpasswd .netrc .npmrc .pgpass .pypirc .s3cfg .vault-token _netrc
    credentials credentials.toml credentials.xml credentials.yaml credentials.yml
    secrets.json secrets.toml secrets.yaml secrets.yml
    """.split()
)

_SECRET_PATTERN = re.compile(
    r"""
      \.env\..+ | .+\.env                                                          # variants of .env
    | id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?(?:[-_][\w-]*)?(?:\.(?:pub|old|bak|txt|\d+))?  # but not id_rsa_parser.py
    | (?:.*[-_.])?credentials?\.json | client_?secrets?.*\.json | service[-_]?account.*\.json
    | .+\.tfstate\.backup
    """,
    re.VERBOSE,
)

_ENV_TEMPLATE = re.compile(
    r"\.env\.(?:.+\.)?(?:defaults?|dist|example|sample|schema|template) | (?:.+\.)?(?:example|sample|template)\.env",
    re.VERBOSE,
)
"""Lists which variables there are, with no values worth keeping secret."""

_SECRET_EXTENSIONS = ["jks", "kdb", "kdbx", "key", "keystore", "p12", "p8", "pem", "pfx", "pkcs12", "ppk", "tfstate"]

_BINARY_EXTENSIONS = """
    3ds 3gp 7z a aac ai aif aiff apk app ar arrow avi avif avro bin blend bmp br bz2 cab class cur db db3 deb dex dll
    dmg doc docx dylib ear egg elc eot eps epub exe fbx feather flac flv gguf gif glb gz h5 hdf5 heic icns ico ipa iso
    jar jpeg jpg jxl ko lib lz lz4 lzma m4a m4v mdb mid mkv mov mp3 mp4 mpeg mpg msi msix nib npy npz o obj odp ods odt
    ogg ogv onnx opus otf parquet pdb pdf pickle pkl png ppt pptx psd pt pth pyc pyd pyo rar rlib rpm safetensors sketch
    so sqlite sqlite3 stl svg swf tar tflite tgz tif tiff ttc ttf txz vsix war wasm wav weba webm webp whl wma wmv woff
    woff2 xcf xls xlsx xz zip zst
""".split()
"""Not here: extensions that are also those of a text format (ts, mo, d, dat); reading the file tells."""

_BY_NAME = {**dict.fromkeys(_LOCK_FILES, SkipReason.LOCK_FILE), **dict.fromkeys(_SECRETS, SkipReason.SECRET)}

_BY_EXTENSION = {
    **dict.fromkeys(_SECRET_EXTENSIONS, SkipReason.SECRET),
    **dict.fromkeys(_BINARY_EXTENSIONS, SkipReason.BINARY),
    "map": SkipReason.MINIFIED,
}

_MINIFIED_ENDINGS = (".min.js", ".min.mjs", ".min.cjs", ".min.css", ".bundle.js", ".chunk.js", ".chunk.css")

_GENERATED_ENDINGS = (
    *("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi", "_pb.js", "_pb.d.ts", "_grpc_pb.js", "_grpc_pb.d.ts"),
    *(".pb.go", ".pb.gw.go", ".pb.cc", ".pb.h", ".pb.c", ".pb.swift", ".pb.dart", ".pbenum.dart", ".pbjson.dart"),
    *(".g.dart", ".freezed.dart", ".gr.dart", ".mocks.dart", ".g.cs", ".g.i.cs", ".designer.cs", ".designer.vb"),
    *("_generated.go", "_gen.go", ".gen.go", ".generated.ts", ".generated.js", ".generated.cs"),
)


def by_name(name: str) -> SkipReason | None:
    """Return why a file of this name (without folders) is left out unread, None if it is not. Case is ignored."""
    lower = name.lower()
    _, dot, extension = lower.rpartition(".")
    reason = _BY_NAME.get(lower) or (_BY_EXTENSION.get(extension) if dot else None)
    if reason is not None:
        return reason
    if _SECRET_PATTERN.fullmatch(lower) and not _ENV_TEMPLATE.fullmatch(lower):
        return SkipReason.SECRET
    if lower.endswith(_MINIFIED_ENDINGS):
        return SkipReason.MINIFIED
    return SkipReason.GENERATED if lower.endswith(_GENERATED_ENDINGS) else None
