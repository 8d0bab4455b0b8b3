"""Makes the pages of the reference, one per header, of the XML that Doxygen wrote.

Every public name has its declaration, its docstring and its place in the code. Names of the namespace
tocsin::detail are left out.
"""

import pathlib
import re
import xml.etree.ElementTree as xml

SECTIONS = {
    "public-type": "Types",
    "public-static-attrib": "Constants",
    "public-attrib": "Data members",
    "public-func": "Functions",
    "public-static-func": "Static functions",
}
KINDS = {"class": "class", "struct": "struct", "concept": "concept"}


def anchor(text):
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")


def plain(element):
    """The text of an element without its markup."""
    return "" if element is None else re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def tidy(code):
    code = re.sub(r"\s+", " ", code).strip()
    code = re.sub(r"< ", "<", code)
    code = re.sub(r" >", ">", code)
    return code.replace(" &", "&").replace(" *", "*").replace("&&", "&& ").replace("&&  ", "&& ")


class Reference:
    def __init__(self, folder, source_url):
        self.folder = pathlib.Path(folder)
        self.source_url = source_url
        self.places = {}  # of a refid: (page, anchor)
        self.headers = []
        self.page = ""
        self.silent = []  # public names without a sentence

    # ---- text ------------------------------------------------------------------------------

    def link(self, refid, text):
        place = self.places.get(refid)
        if place is None:
            return f"`{text}`"
        page, name = place
        depth = self.page.count("/")
        target = "" if page == self.page else "../" * depth + page
        return f"[`{text}`]({target}#{name})" if name else f"[`{text}`]({target})"

    def escape(self, text):
        return re.sub(r"([\\*_<>\[\]|`])", r"\\\1", text) if text else ""

    def inline(self, element):
        parts = [self.escape(element.text)]
        for child in element:
            parts.append(self.inline_child(child))
            parts.append(self.escape(child.tail))
        return "".join(parts)

    def inline_child(self, child):
        if child.tag == "computeroutput":
            return f"`{''.join(child.itertext()).strip()}`"
        if child.tag == "ref":
            return self.link(child.get("refid"), "".join(child.itertext()))
        if child.tag == "emphasis":
            return f"*{self.inline(child).strip()}*"
        if child.tag == "bold":
            return f"**{self.inline(child).strip()}**"
        if child.tag == "ulink":
            return f"[{self.inline(child)}]({child.get('url')})"
        if child.tag == "linebreak":
            return "  \n"
        if child.tag in ("ndash", "mdash"):
            return "-"
        if child.tag == "sp":
            return " "
        return self.inline(child)

    def block(self, element, indent=""):
        """The blocks of a description, as Markdown."""
        out = []
        for para in element:
            if para.tag == "para":
                out += self.paragraph(para)
            elif para.tag in ("sect1", "sect2", "simplesect"):
                out += self.block(para)
        return [line for line in out if line.strip()]

    def paragraph(self, para):
        out = []
        text = self.escape(para.text)
        for child in para:
            piece = None
            if child.tag in ("verbatim", "preformatted", "programlisting"):
                code = "".join("\n" if part.tag == "linebreak" else "" for part in child)
                code = "".join(child.itertext()) if not code else code
                piece = "```text\n" + code.strip("\n") + "\n```"
            elif child.tag in ("itemizedlist", "orderedlist"):
                mark = "-" if child.tag == "itemizedlist" else "1."
                items = []
                for item in child.findall("listitem"):
                    blocks = self.block(item)
                    items.append(f"{mark} " + "\n    ".join("\n\n".join(blocks).split("\n")))
                piece = "\n".join(items)
            elif child.tag == "parameterlist":
                piece = self.parameters(child)
            elif child.tag == "simplesect":
                kinds = {"return": "Returns", "see": "See", "note": "Note", "pre": "Precondition",
                         "warning": "Warning", "post": "Postcondition"}
                kind = kinds.get(child.get("kind"), child.get("kind").capitalize())
                piece = f"**{kind}:** " + " ".join(self.block(child))
            elif child.tag == "table":
                piece = self.table(child)
            if piece is None:
                text += self.inline_child(child)
            else:
                out += [text.strip(), piece]
                text = ""
            text += self.escape(child.tail)
        return [*out, text.strip()]

    def parameters(self, element):
        titles = {"param": "Parameters", "templateparam": "Template parameters",
                  "retval": "Return values", "exception": "Exceptions"}
        lines = [f"**{titles.get(element.get('kind'), 'Parameters')}:**", ""]
        for item in element.findall("parameteritem"):
            names = ", ".join(f"`{plain(name)}`" for name in item.iter("parametername"))
            text = " ".join(self.block(item.find("parameterdescription")))
            lines.append(f"- {names}: {text}")
        return "\n".join(lines)

    def table(self, element):
        rows = [[" ".join(self.block(cell)) for cell in row.findall("entry")]
                for row in element.findall("row")]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|" + "---|" * len(rows[0]))
        return "\n".join(lines)

    def description(self, element):
        blocks = []
        for tag in ("briefdescription", "detaileddescription"):
            found = element.find(tag)
            if found is not None:
                blocks += self.block(found)
        written_for_us = plain(element.find("argsstring")).endswith(("=default", "=delete"))
        # The sentence of an enumeration may explain all its values.
        is_value = element.tag == "enumvalue"
        is_destructor = plain(element.find("name")).startswith("~")
        if not blocks and not (written_for_us or is_value or is_destructor):
            place = element.find("location")
            name = plain(element.find("name")) or plain(element.find("compoundname"))
            self.silent.append(f"{place.get('file')}:{place.get('line')}: {name}"
                               if place is not None else name)
        return "\n\n".join(blocks)

    # ---- names -----------------------------------------------------------------------------

    def template(self, element):
        found = element.find("templateparamlist")
        if found is None:
            return ""
        parameters = []
        for parameter in found.findall("param"):
            text = plain(parameter.find("type"))
            name = parameter.find("declname")
            text += " " + plain(name) if name is not None else ""
            value = parameter.find("defval")
            text += " = " + plain(value) if value is not None else ""
            parameters.append(text)
        return "template <" + tidy(", ".join(parameters)) + ">\n"

    def declaration(self, member):
        kind = member.get("kind")
        name = plain(member.find("name"))
        text = self.template(member)
        requires = plain(member.find("requiresclause"))
        text += f"    requires {tidy(requires)}\n" if requires else ""
        if kind == "enum":
            return f"enum class {name}"
        if kind == "define":
            return f"#define {name}"
        for flag in ("constexpr", "static"):
            text += flag + " " if member.get(flag) == "yes" and flag == "static" else ""
        kind_of = tidy(plain(member.find("type")))
        arguments = tidy(plain(member.find("argsstring")))
        if kind == "typedef":
            return text + f"using {name} = {kind_of}"
        text += (kind_of + " " if kind_of else "") + name + arguments
        if kind == "variable":
            value = plain(member.find("initializer"))
            text += " " + tidy(value) if value and len(value) < 80 else ""
        return text

    def location(self, element):
        place = element.find("location")
        if place is None:
            return ""
        file = place.get("file")
        line = place.get("line")
        if not self.source_url:
            return f"<small>{file}, line {line}</small>"
        return f"<small>[{file}, line {line}]({self.source_url}/include/{file}#L{line})</small>"

    def member(self, member, level):
        name = plain(member.find("name"))
        identifier = self.places[member.get("id")][1]
        text = [f"{'#' * level} `{name}` {{ #{identifier} }}", "",
                "```cpp\n" + self.declaration(member) + "\n```", "", self.description(member), ""]
        values = member.findall("enumvalue")
        if values:
            text += ["| value | meaning |", "|---|---|"]
            for value in values:
                meaning = self.description(value).replace("\n", " ")
                text.append(f"| `{plain(value.find('name'))}` | {meaning} |")
        return text + ["", self.location(member), ""]

    # ---- pages -----------------------------------------------------------------------------

    def read(self, refid):
        return xml.parse(self.folder / f"{refid}.xml").getroot().find("compounddef")

    def collect(self):
        """Finds the headers, what each declares, and the place of every name."""
        index = xml.parse(self.folder / "index.xml").getroot()
        compounds = [entry for entry in index if entry.get("kind") in ("class", "struct", "concept")]
        by_header = {}
        for entry in compounds:
            name = entry.find("name").text
            if "detail::" in name or "@" in name:
                continue
            compound = self.read(entry.get("refid"))
            if compound.get("prot") == "private":
                continue
            place = compound.find("location")
            by_header.setdefault(place.get("bodyfile") or place.get("file"), []).append(compound)
        for entry in index:
            if entry.get("kind") != "file":
                continue
            file = self.read(entry.get("refid"))
            path = file.find("location").get("file")
            header = {"path": path, "file": file, "members": [], "classes": []}
            header["page"] = "reference/" + path.removeprefix("tocsin/").replace(".hpp", ".md")
            for section in file.findall("sectiondef"):
                header["members"] += section.findall("memberdef")
            header["classes"] = sorted(
                by_header.get(path, []),
                key=lambda compound: int(compound.find("location").get("line")))
            self.headers.append(header)
        # Free functions are members of the namespace; each goes to the page of its header.
        known = {header["path"]: header for header in self.headers}
        for entry in index:
            name = entry.find("name").text
            if entry.get("kind") == "namespace" and name in ("tocsin", "tocsin::firmware"):
                for section in self.read(entry.get("refid")).findall("sectiondef"):
                    for member in section.findall("memberdef"):
                        header = known[member.find("location").get("file")]
                        if member.get("id") not in {m.get("id") for m in header["members"]}:
                            header["members"].append(member)
        # Headers whose names are all in tocsin::detail have nothing to look up.
        self.headers = [header for header in self.headers
                        if header["classes"] or header["members"] or header["path"].count("/") < 2]
        for header in self.headers:
            header["members"].sort(key=lambda m: int(m.find("location").get("line")))
            self.place_names(header)

    def place_names(self, header):
        taken = set()

        def place(identifier, wanted):
            name = wanted
            number = 2
            while name in taken:
                name = f"{wanted}-{number}"
                number += 1
            taken.add(name)
            self.places[identifier] = (header["page"], name)

        self.places[header["file"].get("id")] = (header["page"], "")
        for compound in header["classes"]:
            short = compound.find("compoundname").text.removeprefix("tocsin::")
            place(compound.get("id"), anchor(short))
            for section in compound.findall("sectiondef"):
                if section.get("kind") in SECTIONS or section.get("kind") == "user-defined":
                    for member in section.findall("memberdef"):
                        place(member.get("id"), anchor(short + "-" + plain(member.find("name"))))
        for member in header["members"]:
            place(member.get("id"), anchor(plain(member.find("name"))))

    def class_text(self, compound):
        name = compound.find("compoundname").text.removeprefix("tocsin::")
        kind = compound.get("kind")
        text = [f"## {KINDS[kind]} `{tidy(name)}` {{ #{self.places[compound.get('id')][1]} }}", ""]
        if kind == "concept":
            code = "".join(compound.find("initializer").itertext()).strip()
            text += ["```cpp", code, "```", ""]
        else:
            text += ["```cpp", self.template(compound) + f"{kind} {tidy(name)}", "```", ""]
        text += [self.description(compound), "", self.location(compound), ""]
        for section_kind, title in SECTIONS.items():
            members = [member for section in compound.findall("sectiondef")
                       if section.get("kind") == section_kind
                       for member in section.findall("memberdef")]
            if not members:
                continue
            text += [f"### {title} {{ #{anchor(name + '-' + title)}-list }}", ""]
            if section_kind in ("public-attrib", "public-type", "public-static-attrib"):
                text += self.member_table(members)
                continue
            for member in members:
                text += self.member(member, 4)
        return text

    def member_table(self, members):
        """One line for each name that takes no arguments."""
        text = ["| name | declaration | meaning |", "|---|---|---|"]
        for member in members:
            identifier = self.places[member.get("id")][1]
            code = self.declaration(member).replace("\n", " ").replace("|", "\\|")
            meaning = re.sub(r"\s+", " ", self.description(member))
            values = [f"`{plain(value.find('name'))}`: " + re.sub(r"\s+", " ", self.description(value))
                      for value in member.findall("enumvalue")]
            meaning = "<br>".join([meaning, *values]) if values else meaning
            name = plain(member.find("name"))
            text.append(f'| <span id="{identifier}">`{name}`</span> | `{code}` | {meaning} |')
        return [*text, ""]

    def header_page(self, header):
        self.page = header["page"]
        path = header["path"]
        text = [f"# {path.removeprefix('tocsin/')}", "", self.description(header["file"]), "",
                "```cpp", f"#include <{path}>", "```", ""]
        for compound in header["classes"]:
            text += self.class_text(compound)
        if header["members"]:
            text += ["## Functions and constants { #functions-and-constants }", ""]
            for member in header["members"]:
                text += self.member(member, 3)
        return "\n".join(text) + "\n"

    def index_page(self, folders):
        self.page = "reference/index.md"
        text = ["# Reference", "",
                "Every public name of tocsin, header by header. Folders are in the order of "
                "[architecture](../architecture.md): a folder includes only those above it. Names "
                "of the namespace `tocsin::detail` may change at any time and are left out.", ""]
        for folder, headers in folders.items():
            text += [f"## {folder or 'Umbrella headers'} {{ #{anchor(folder or 'umbrella')} }}", "",
                     "| header | what | names |", "|---|---|---|"]
            for header in headers:
                brief = " ".join(self.block(header["file"].find("briefdescription")))
                names = []
                for compound in header["classes"]:
                    short = compound.find("compoundname").text.removeprefix("tocsin::")
                    if "<" not in short and "::" not in short:
                        names.append(self.link(compound.get("id"), short))
                seen = set()
                for member in header["members"]:
                    short = plain(member.find("name"))
                    if short not in seen and member.get("kind") != "define":
                        seen.add(short)
                        names.append(self.link(member.get("id"), short))
                shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
                name = header["path"].rsplit("/", 1)[-1]
                text.append(f"| [{name}]({header['page'].removeprefix('reference/')}) | "
                            f"{brief} | {shown} |")
            text.append("")
        return "\n".join(text) + "\n"

    def write(self, target, order):
        """Writes all pages; the pages by folder, for the navigation."""
        self.collect()
        folders = {folder: [] for folder in order}
        for header in sorted(self.headers, key=lambda header: header["path"]):
            inner = header["path"].removeprefix("tocsin/")
            folder = inner.split("/", 1)[0] if "/" in inner else ""
            folders.setdefault(folder, []).append(header)
        folders = {folder: headers for folder, headers in folders.items() if headers}
        for header in self.headers:
            path = pathlib.Path(target) / header["page"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.header_page(header), encoding="utf-8")
        (pathlib.Path(target) / "reference/index.md").write_text(self.index_page(folders),
                                                                 encoding="utf-8")
        return {folder: [header["page"] for header in headers]
                for folder, headers in folders.items()}
