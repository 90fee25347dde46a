"""The report of a bench shows every figure with its unit, and names the machine and how busy it was."""

from __future__ import annotations

from coderank.evaluation import bench_report
from coderank.evaluation.bench import Bench, Compressed, Grown, Rival, Spent

FOUND = Bench(
    version="0",
    date="2026-01-01 00:00 UTC",
    machine="2 cores of a machine",
    load_before=(0.5, 0.4, 0.3),
    load_after=(),
    model="tiny",
    files=3,
    chunks=100,
    lines=2_000,
    disk_bytes=3 * 2**20,
    questions=4,
    stages={"embed": (1.0, 2.0, 3.0, 40.0), "rank": (1.0,) * 4, "total": (2.0, 3.0, 4.0, 41.0)},
    processes=(Spent("index, from nothing", (4.0,), 100.0), Spent("search, whole process", (0.5, 0.7, 0.6), 90.0)),
    grown=(
        Grown(1_000, (1.0, 2.0), {"retrieve": (0.5, 1.5), "rank": (0.4, 0.4)}, 2**20, 10.0, 4.0, 0.5, 0.1),
        Grown(100_000, (9.0, 12.0), {"retrieve": (8.0, 10.0), "rank": (1.0, 1.5)}, 2**27, 200.0, 40.0, 50.0, 4.0),
    ),
    compressed_chunks=100_000,
    compressed=(Compressed("none", 1.0, 2.0, 2**20), Compressed("binary 1 bit x3", 0.93, 0.5, 2**19)),
    rivals=(Rival("first answer", "another", 1.5, 3.0),),
    notes=(),
)


def test_tables_have_medians_quantiles_rates_and_ratios() -> None:
    found = {table.title.split(":")[0].split(",")[0]: table.rows for table in bench_report.all_tables(FOUND)}
    assert found["Whole processes"][1] == ["search, whole process", "0.600 s", "0.500 s", "0.700 s", "90 MiB"]
    assert found["Indexing from nothing"][:2] == [["chunks a second", "25"], ["lines a second", "500"]]
    assert found["A question in a running process"][0] == ["embed", "2.00", "40.00", "40.00"]
    assert found["Growth"][1] == [
        *("100,000", "9.00", "12.00", "12.00", "8.00", "1.00", "128 MiB", "200 MiB", "40 MiB", "50.0 s", "4.0 s")
    ]
    assert found["Compression of the vectors"][1] == ["binary 1 bit x3", "0.9300", "0.50", "0.5 MiB"]
    assert found["Others in the same run"][0][-1] == "2.00 ×"


def test_the_page_and_markdown_name_machine_load_and_model() -> None:
    for written in (bench_report.html(FOUND), bench_report.markdown(FOUND)):
        assert "2 cores of a machine; load 0.5 0.4 0.3 before, not known after" in written
        assert "3 files, 2,000 lines, 100 chunks" in written
    assert "Recall and time of each compression" in bench_report.html(FOUND)


def test_no_growth_and_no_rival_leave_their_tables_out() -> None:
    import msgspec

    titles = [table.title for table in bench_report.all_tables(msgspec.structs.replace(FOUND, grown=(), rivals=()))]
    assert not [title for title in titles if title.startswith(("Growth", "Others"))]
    assert "Growth" not in bench_report.html(msgspec.structs.replace(FOUND, grown=()))
