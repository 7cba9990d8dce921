"""Elements of a page in HTML; texts are escaped when it is written."""

from collections.abc import Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement

Content = str | Element


def element(tag: str, *content: Content | Mapping[str, str], **attributes: str) -> Element:
    """An element with texts and elements in it; mappings are attributes whose names Python cannot say.

    >>> from xml.etree.ElementTree import tostring
    >>> tostring(element("p", "a < b ", element("b", "c"), " d", {"class": "x"}), "unicode", method="html")
    '<p class="x">a &lt; b <b>c</b> d</p>'
    """
    made, last = Element(tag, attributes), None
    for part in content:
        if isinstance(part, Element):
            made.append(part)
            last = part
        elif isinstance(part, Mapping):
            made.attrib.update(part)
        elif last is None:
            made.text = (made.text or "") + part
        else:
            last.tail = (last.tail or "") + part
    return made


def section(heading: str, *content: Content) -> Element:
    """A section under a heading."""
    return element("section", element("h2", heading), *content)


def cells(head: Sequence[str], rows: Iterable[Sequence[Content]]) -> Element:
    """A table; the first cell of a row is its heading."""
    table = Element("table")
    first = SubElement(SubElement(table, "thead"), "tr")
    first.extend(element("th", title, scope="col") for title in head)
    body = SubElement(table, "tbody")
    for row in rows:
        line = SubElement(body, "tr")
        line.extend(
            element("td", cell) if number else element("th", cell, scope="row") for number, cell in enumerate(row)
        )
    return table
