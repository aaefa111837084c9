"""How the page is served."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from bark.server.site import FOLDER, MEDIA_TYPES, add_page


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    add_page(app)
    return TestClient(app)


def test_every_file_is_served_under_a_strict_policy(client: TestClient) -> None:
    paths = ["/", *(f"/page/{path.name}" for path in FOLDER.iterdir())]
    assert len(paths) > 20
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy and "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] == MEDIA_TYPES["." + (path.partition(".")[2] or "html")]


def test_a_file_that_has_not_changed_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/").headers["etag"]
    again = client.get("/", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/", headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize("name", ["nothing.js", "..%2fsite.py", "%2e%2e/site.py", "../site.py", "..%5csite.py", ""])
def test_nothing_else_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/page/{name}").status_code == 404


def test_the_page_asks_nobody_else_and_has_nothing_inline() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//\w+\.\w+/", text), path
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_every_file_that_is_named_is_there() -> None:
    there = {path.name for path in FOLDER.iterdir()}
    named = {name for path in FOLDER.iterdir() for name in _named(path.read_text(encoding="utf-8"))}
    assert named <= there
    assert there - named == {"index.html"}


def test_the_page_asks_for_all_modules_at_once() -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    asked = re.findall(r'(?:modulepreload" href|src)="page/([\w-]+\.js)"', page)
    assert sorted(asked) == sorted(path.name for path in FOLDER.glob("*.js"))


def test_every_icon_and_id_that_is_named_is_there() -> None:
    icons = set(re.findall(r'<symbol id="(\w+)"', (FOLDER / "icons.svg").read_text(encoding="utf-8")))
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([\w-]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"icons\.svg#(\w+)", page)) <= icons
    for path in FOLDER.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r'byId\("([\w-]+)"\)', text)) <= set(ids), path
        assert set(re.findall(r'icon\("(\w+)"\)', text)) <= icons, path
    for names in re.findall(r'(?:for|aria-labelledby|aria-describedby)="([\w -]+)"', page):
        assert set(names.split()) <= set(ids)


def _named(text: str) -> list[str]:
    return re.findall(r'(?:"\./|page/)([\w-]+\.\w+)', text)
