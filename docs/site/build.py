"""Assembles the site: the guide's pages as they are, the reference, and the settings of mkdocs.

    build.py REPOSITORY XML OUTPUT [SOURCE_URL]

REPOSITORY is the checkout, XML what Doxygen wrote, OUTPUT the folder for `pages/` and `mkdocs.yml`.
SOURCE_URL is where a file of the repository can be read; without it such links become plain text.
"""

import pathlib
import re
import shutil
import sys

from reference import Reference

TITLES = {"": "Umbrella headers"}


def folders_in_order(repository):
    """The folders of include/tocsin in the order of the table in docs/architecture.md."""
    text = (repository / "docs/architecture.md").read_text(encoding="utf-8")
    return ["", *re.findall(r"^\| `([a-z_]+)/` \|", text, re.MULTILINE)]


class Pages:
    """Copies pages, with links to files outside the site turned to the repository."""

    def __init__(self, repository, target, source_url):
        self.repository = repository
        self.target = target
        self.source_url = source_url
        self.pages = {}  # of a file in the repository: its page in the site
        self.headers = set()  # with a page in the reference

    def plan(self):
        self.pages[self.repository / "README.md"] = "index.md"
        self.pages[self.repository / "CHANGELOG.md"] = "CHANGELOG.md"
        home = (self.repository / "README.md").read_text(encoding="utf-8")
        for page in sorted((self.repository / "docs").glob("*.md")):
            self.pages[page] = page.name
            if f"(docs/{page.name})" not in home:
                raise SystemExit(f"README.md does not link to docs/{page.name}")

    def link(self, file, target):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return target
        path, _, fragment = target.partition("#")
        found = (file.parent / path).resolve()
        if found in self.pages:
            return self.pages[found] + ("#" + fragment if fragment else "")
        inner = found.relative_to(self.repository)
        if inner.parts[:2] == ("docs", "images"):
            return str(inner.relative_to("docs"))
        if not found.exists():
            raise SystemExit(f"{file}: links to {target}, which does not exist")
        return f"{self.source_url}/{inner}" if self.source_url else None

    def converted(self, file, text):
        def replace(match):
            target = self.link(file, match[3])
            return match[2] if target is None else f"{match[1]}[{match[2]}]({target})"

        parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
        for k in range(0, len(parts), 2):  # what stands between fenced blocks
            parts[k] = re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", replace, parts[k])
            parts[k] = re.sub(r"(?<![\[`])`((?:[a-z_]+/)+[a-z_]+\.hpp)`", self.header, parts[k])
        return "".join(parts)

    def header(self, match):
        """A header in the text becomes a link to its page of the reference."""
        path = match[1].removeprefix("tocsin/").removeprefix("include/tocsin/")
        if path in self.headers:
            return f"[`{match[1]}`](reference/{path.replace('.hpp', '.md')})"
        return match[0]

    def write(self):
        for file, page in self.pages.items():
            text = self.converted(file, file.read_text(encoding="utf-8"))
            (self.target / page).write_text(text, encoding="utf-8")
        shutil.copytree(self.repository / "docs/images", self.target / "images")


def main(repository, xml, output, source_url=""):
    repository = pathlib.Path(repository).resolve()
    output = pathlib.Path(output)
    target = output / "pages"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    site = repository / "docs/site"
    shutil.copy(site / "site.css", target)
    reference = Reference(xml, source_url.rstrip("/"))
    folders = reference.write(target, folders_in_order(repository))
    if reference.silent:
        print("\n".join(sorted(set(reference.silent))))
        raise SystemExit(f"{len(set(reference.silent))} public names have no sentence")
    pages = Pages(repository, target, source_url.rstrip("/"))
    pages.plan()
    pages.headers = {page.removeprefix("reference/").replace(".md", ".hpp")
                     for headers in folders.values() for page in headers}
    pages.write()
    (target / "images/README.md").unlink(missing_ok=True)
    settings = (site / "mkdocs.yml").read_text(encoding="utf-8")
    lines = ["  - Reference:", "      - reference/index.md"]
    unlisted = sorted(page for page in pages.pages.values() if f": {page}\n" not in settings)
    if unlisted:
        lines = ["  - More:", *[f"      - {page}" for page in unlisted], *lines]
    for folder, headers in folders.items():
        lines.append(f"      - {TITLES.get(folder, folder)}:")
        for page in headers:
            name = page.removeprefix("reference/").removeprefix(folder + "/").replace(".md", "")
            lines.append(f"          - {name}: {page}")
    settings += "\n".join(lines) + "\n\ndocs_dir: pages\nsite_dir: site\n"
    (output / "mkdocs.yml").write_text(settings, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
