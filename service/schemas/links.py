"""Links between documents, and between the pages of a list."""

from pydantic import BaseModel


class Link(BaseModel):
    href: str
    rel: str
    type: str = "application/json"
    title: str | None = None


def page_links(url: str, query: str, limit: int, offset: int, total: int) -> list[Link]:
    """self, and next and prev where there are such pages. ``query``: other parameters, each ending in &."""

    def link(rel: str, start: int) -> Link:
        return Link(href=f"{url}?{query}limit={limit}&offset={start}", rel=rel)

    links = [link("self", offset)]
    if offset + limit < total:
        links.append(link("next", offset + limit))
    if offset > 0:
        links.append(link("prev", max(0, offset - limit)))
    return links
