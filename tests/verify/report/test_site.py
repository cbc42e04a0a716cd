"""The report: a page a lemma, no dead link, well-formed, nothing hidden, nothing of others overwritten."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from derivations.registry import lemma
from verify.__main__ import main
from verify.obligations.outcome import Effort, Status
from verify.report.histogram import counts, histogram
from verify.report.index_view import oracles
from verify.report.site import FolderError, check_folder, write_site

from .conftest import NAMES, read


def test_every_lemma_has_a_page_and_the_first_page_links_to_it(pages):
    assert {f"lemmas/{name}.html" for name in NAMES} == set(pages) - {"index.html"}
    assert {f"lemmas/{name}.html#O1" for name in NAMES} <= set(pages["index.html"].links)


def test_pages_are_well_formed(pages):
    assert {name: page.faults for name, page in pages.items() if page.faults} == {}


def test_every_link_resolves_and_none_leaves_the_site(site, pages):
    checked = 0
    for name, page in pages.items():
        for link in page.links:
            if link == "data:,":  # no icon
                continue
            path, _, anchor = link.partition("#")
            assert "://" not in link, link
            target = (site / name).parent / path if path else site / name
            assert target.is_file(), f"{name}: {link}"
            if anchor:
                assert anchor in pages[target.resolve().relative_to(site).as_posix()].anchors, f"{name}: {link}"
            checked += 1
    assert checked > 50


def test_style_and_font_are_served_with_the_pages(site):
    assert (site / "static" / "style.css").stat().st_size > 1000
    assert 'url("STIXTwoMath-Regular.ttf")' in (site / "static" / "style.css").read_text()
    assert (site / "static" / "STIXTwoMath-Regular.ttf").stat().st_size > 100_000


def test_a_page_shows_formulas_steps_variants_program_kernel_errors_and_mutants(site, pages, audited):
    text = (site / "lemmas" / "lemma_3_2_similarity.html").read_text()
    found = lemma("lemma_3_2_similarity")
    assert pages["lemmas/lemma_3_2_similarity.html"].formulas > 20
    for claim in found.claims:
        assert claim.name.capitalize() in text
    for variant in found.wrong:
        assert variant.why in text
    witnesses = [row["witness"] for row in audited[0].outcomes["O8"].detail["variants"]]
    assert all(witness in text for witness in witnesses)
    assert "def _grid_block(offsets, weights, log_likelihood, similarity, work, start, stop):" in text
    assert "a stabiliser: no result depends on it" in text
    assert text.count('<svg class="histogram"') == 1
    kinds = audited[0].outcomes["O7"].detail["kinds"]
    assert len(kinds) > 3
    assert all(kind in text for kind in kinds)
    assert "more workspace than needed" in text


def test_a_lemma_without_a_kernel_says_so_and_where_it_runs(site):
    text = (site / "lemmas" / "low_rank.html").read_text()
    assert "No kernel of its own." in text
    assert "laflow/assignment/low_rank.py" in text
    assert "What is not proved." in text


def test_the_first_page_counts_what_is_absent_with_reasons_and_oracles_with_limits(site):
    text = (site / "index.html").read_text()
    assert "no kernel" in text
    assert "states identities only, no differential" in text
    published = oracles()
    assert len(published) >= 6
    for oracle in published:
        assert f"<td>{oracle.limit}</td>" in text
        assert oracle.name in text


def test_a_fault_is_shown_on_both_pages_as_text_and_not_as_markup(audited, tmp_path):
    outcome = dataclasses.replace(audited[0].outcomes["O5"], status=Status.FAILS, faults=("<b>3 times</b> its bound",))
    broken = dataclasses.replace(audited[0], outcomes={**audited[0].outcomes, "O5": outcome})
    write_site(tmp_path / "site", [broken], Effort.QUICK, 1.0)
    first = (tmp_path / "site" / "index.html").read_text()
    page = (tmp_path / "site" / "lemmas" / f"{broken.lemma.name}.html").read_text()
    assert "Something falls short" in first
    assert "Everything holds" not in first
    for text in (first, page):
        assert "&lt;b&gt;3 times&lt;/b&gt; its bound" in text
        assert "<b>3 times" not in text


def test_an_infinite_error_is_shown_and_written(audited, tmp_path):
    detail = {**audited[0].outcomes["O5"].detail, "worst": {"k": float("inf")}, "ratios": {"k": [float("inf"), 0.5]}}
    outcome = dataclasses.replace(audited[0].outcomes["O5"], detail=detail)
    broken = dataclasses.replace(audited[0], outcomes={**audited[0].outcomes, "O5": outcome})
    write_site(tmp_path / "site", [broken], Effort.QUICK, 1.0)
    assert 'class="beyond"' in (tmp_path / "site" / "lemmas" / f"{broken.lemma.name}.html").read_text()
    assert json.loads((tmp_path / "site" / "audit.json").read_text())["totals"]["lemmas"] == 1


@pytest.mark.parametrize(
    ("ratio", "place"), [(0.0, 0), (1e-9, 1), (1.1e-4, 2), (1.0, -2), (0.999, -2), (1.001, -1), (float("nan"), -1)]
)
def test_a_ratio_falls_into_its_bin(ratio, place):
    found = counts([ratio])
    assert found[place] == 1
    assert sum(found) == 1


def test_the_bars_of_a_histogram_count_every_ratio():
    ratios = [0.0, 0.0, 1e-5, 0.01, 0.3, 0.9, 2.0]
    assert sum(counts(ratios)) == len(ratios)
    assert histogram(ratios, "a <title>").count("<rect") == 6
    assert "a &lt;title&gt;" in histogram(ratios, "a <title>")


# --- where it is written ----------------------------------------------------------------------------------------


def test_a_report_replaces_a_report_and_leaves_nothing_beside_it(site, audited):
    (site / "lemmas" / "gone.html").write_text("from an older report")
    write_site(site, audited, Effort.QUICK, 2.5)
    assert not (site / "lemmas" / "gone.html").exists()
    assert [path.name for path in site.parent.iterdir()] == [site.name]


def test_an_empty_folder_may_be_filled(audited, tmp_path):
    (tmp_path / "empty").mkdir()
    write_site(tmp_path / "empty", audited[1:], Effort.QUICK, 1.0)
    assert read(tmp_path / "empty" / "index.html").faults == []


def _foreign_folder(path: Path) -> None:
    path.mkdir()
    (path / "thesis.tex").write_text("years of work")


def _foreign_data(path: Path) -> None:
    path.mkdir()
    (path / "audit.json").write_text("[1, 2]")


def _file(path: Path) -> None:
    path.write_text("years of work")


def _link(path: Path) -> None:
    (path.parent / "elsewhere").mkdir()
    os.symlink(path.parent / "elsewhere", path)


@pytest.mark.parametrize("occupied", [_foreign_folder, _foreign_data, _file, _link])
def test_what_is_no_report_is_refused_before_anything_runs(occupied, tmp_path, capsys):
    occupied(tmp_path / "mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FolderError, match="mine"):
        check_folder(tmp_path / "mine")
    assert main(["--quick", "--html", str(tmp_path / "mine")]) == 2
    assert "mine" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failure_while_writing_keeps_the_old_report(site, audited, monkeypatch):
    before = (site / "index.html").read_text()
    broken = dataclasses.replace(audited[0], lemma=dataclasses.replace(audited[0].lemma, statement=r"$\nosuchthing$"))
    with pytest.raises(ValueError, match="nosuchthing"):
        write_site(site, [broken], Effort.QUICK, 1.0)
    assert (site / "index.html").read_text() == before
    assert [path.name for path in site.parent.iterdir()] == [site.name]
