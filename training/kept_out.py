"""Projects that nothing is trained on, because people measure code search, or repairs of code, on them."""

from __future__ import annotations

import re

PROJECTS = frozenset(
    # The repositories of this project's own evaluation (benchmarks/localisation).
    "model2vec requests click express cobra gson monolog sinatra serde zod dapper exposed alamofire plug fmtlib fmt "
    "libuv nvm aeson lazy.nvim zig-clap clap "
    # Others of public benchmarks of code search.
    "flask fastapi httpx aiohttp starlette rich pydantic scrapy celery axios lodash chalk moment dayjs react vue "
    "svelte gin echo chi fiber hugo viper zap logrus ripgrep tokio axum actix-web actix hyper reqwest rocket diesel "
    "jackson jackson-core jackson-databind jackson-annotations guava okhttp okio retrofit mockito junit junit4 "
    "junit5 netty laravel symfony guzzle phpunit composer slim rails jekyll rspec puma devise rack nlohmann-json "
    "json catch2 spdlog abseil abseil-cpp googletest redis curl jq zstd nginx sqlite phoenix ecto elixir pandoc "
    "xmonad hledger neovim telescope plenary love kong moya rxswift vapor kingfisher snapkit akka cats circe http4s "
    "play scalaz ktor newtonsoft-json newtonsoft.json automapper polly serilog mediatr "
    # SWE-bench and its relatives in other languages.
    "astropy django matplotlib seaborn pylint pytest scikit-learn sphinx sympy xarray fastjson fastjson2 logstash "
    "dubbo jib mui material-ui insomnia darkreader preact bytes tracing nushell bat fd fd-find rayon ponyc simdjson "
    "yaml-cpp grpc-go grpc go-zero cli gh babel eslint prettier immutable three caddy terraform prometheus gogs "
    "lucene druid javaparser rxjava php-cs-fixer carbon fluentd faker rubocop coreutils uutils ruff nom micropython "
    "valkey "
    # RepoBench, CrossCodeEval, DevEval, DS-1000 and HumanEval's relatives draw on these, too.
    "numpy pandas scipy torch pytorch tensorflow keras transformers datasets pillow sqlalchemy black mypy jinja2 "
    "werkzeug tqdm boto boto3 sentry ansible salt saltstack youtube-dl scikit-image networkx nltk gensim spacy "
    "beets mopidy mrjob mingus boltons pyramid twisted tornado falcon".split()
)
"""Bare names of projects, in lower case."""
_AFFIXES = re.compile(
    r"^(?:golang-(?:github|gopkg|golang|google)-|golang-|rust-|node-|ruby-|php-|python-|python3-|haskell-|lib|lua-"
    r"|elixir-|erlang-|ocaml-|r-cran-)|(?:-java|-perl|-ocaml|-dev|[-.]?js|-php|-\d[\d.]*)$"
)


def is_kept_out(package: str, *addresses: str) -> bool:
    """Tell by the name of a package, or of the repository at an address, whether it is one of the projects."""
    return any(name in PROJECTS for name in _names(package, addresses))


def _names(package: str, addresses: tuple[str, ...]) -> set[str]:
    names = {package.lower()}
    bare = package.lower()
    while (shorter := _AFFIXES.sub("", bare)) != bare:
        names.add(shorter)
        bare = shorter
    names.update(part for part in bare.split("-") if package.startswith("golang-"))
    for address in addresses:
        parts = [part for part in address.lower().rstrip("/").removesuffix(".git").split("/") if part]
        names.update(parts[-1:])
    return names | {name.removesuffix(".js") for name in names}
