"""``coderank doctor``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from coderank.cli import options

if TYPE_CHECKING:
    from coderank.cli.examination import Finding

_MARKS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red")}


@click.command(short_help="Check the installation.")
@options.model
@options.output_format
@click.pass_context
def doctor(ctx: click.Context, *, model: str | None, output_format: str) -> None:
    """Check the installation: machine, parts, folders, model, and a search from end to end. Exit 1 if one fails.

    Of collections on Qdrant servers, whether these answer.
    """
    from coderank.cli.examination import examine  # noqa: PLC0415 - not needed to print help
    from coderank.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    findings = []
    for finding in examine(settings, model or settings.model):
        findings.append(finding)
        if output_format == "text":
            click.echo(_line(finding))
    if output_format == "json":
        _write_json(findings)
    if any(finding.status == "fail" for finding in findings):
        ctx.exit(1)


def _line(finding: Finding) -> str:
    mark, colour = _MARKS[finding.status]
    shown = click.style(mark, fg=colour) if sys.stdout.isatty() else mark
    remedy = f"\n{'':22}{finding.remedy}" if finding.remedy else ""
    return f"{shown}  {finding.name:<14}  {finding.detail}{remedy}"


def _write_json(findings: list[Finding]) -> None:
    import json  # noqa: PLC0415 - only this format needs it
    from dataclasses import asdict  # noqa: PLC0415

    from coderank.cli.output import write_json  # noqa: PLC0415

    write_json(json.dumps({"checks": [asdict(finding) for finding in findings]}, ensure_ascii=False))
