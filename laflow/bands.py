"""Large images band by band: some rows along the first axis, with margins in which a chain of products may end.

A product is wrong in the outermost rows of a band, where it misses what lies beyond, and the next one `radius` rows
further inside. So with wide enough margins a chain of products is right on the rows that a band is there for, and its
fields need never exist on the whole image: only bands of them do, which stay in the cache.
"""

from dataclasses import dataclass

from laflow.aligned import line_length
from laflow.graph import FloatArray, GridGraph, GridStructure


@dataclass(frozen=True)
class Band:
    """Rows of an image, margins included, and those among them that the band is there for.

    `graph` is the grid of the band's rows, of which the first is row `first` of the image; the band is there for its
    rows from `begin` to before `end`.
    """

    whole: GridGraph
    graph: GridGraph
    first: int
    begin: int
    end: int

    @property
    def rows(self) -> slice:
        """The rows of the image, margins included."""
        return slice(self.first, self.first + self.graph.shape[0])

    @property
    def own(self) -> slice:
        """The band's cells of its own rows, and of the halo beside them."""
        return self.graph.cells_of_rows(self.begin, self.end)

    @property
    def own_and_near(self) -> slice:
        """The band's cells of its own rows and of their neighbours."""
        return self.graph.cells_of_rows(self.begin - self.graph.radius, self.end + self.graph.radius)

    @property
    def own_of_whole(self) -> slice:
        """The same cells in fields of the whole image."""
        return self.whole.cells_of_rows(self.first + self.begin, self.first + self.end)

    @property
    def nodes(self) -> GridStructure:
        """The band's own nodes, for kernels."""
        return self._structure(self.own, self.own_and_near)

    def around(self, margin: int) -> GridStructure:
        """At least the band's own nodes and those of `margin` rows on either side, as far as the band goes.

        The first begins a line of the cache.
        """
        first, last, radius = (
            max(0, self.begin - margin),
            min(self.graph.shape[0], self.end + margin),
            self.graph.radius,
        )
        here = self._structure(
            self.graph.cells_of_rows(first, last), self.graph.cells_of_rows(first - radius, last + radius)
        )
        back = (here.first - self.graph.structure.first) % line_length(self.graph.dtype)
        return here._replace(
            first=here.first - back, early_first=max(here.early_first - back, self.graph.structure.first)
        )

    def _structure(self, cells: slice, near: slice) -> GridStructure:
        whole = self.graph.structure
        ends = (min(max(end, whole.first), whole.last) for end in (cells.start, cells.stop, near.start, near.stop))
        return GridStructure(whole.offsets, *ends)

    def cut(self, field: FloatArray, out: FloatArray) -> None:
        """Copy the band's cells of a packed field ``(..., P)``, with what lies around them, into `out`."""
        radius, rows = self.graph.radius, self.graph.shape[0]
        from_whole = self.whole.cells_of_rows(self.first - radius, self.first + rows + radius)
        out[..., self.graph.cells_of_rows(-radius, rows + radius)] = field[..., from_whole]

    def put(self, field: FloatArray, out: FloatArray) -> None:
        """Copy the band's own cells of its field into one of the whole image."""
        out[..., self.own_of_whole] = field[..., self.own]


def bands(graph: GridGraph, margin: int, most: int) -> tuple[Band, ...]:
    """The rows of an image in bands of equally many, with a `margin` on either side where the image goes on.

    A band has `most` rows, margins included, but at least as many rows of its own as margins; where that is the whole
    image there is one band.
    """
    rows = min(graph.shape[0], max(most, 4 * margin, 1))
    part = GridGraph((rows, *graph.shape[1:]), graph.radius, graph.precision)
    if rows == graph.shape[0]:
        return (Band(graph, part, 0, 0, rows),)
    own, found = rows - 2 * margin, []
    for start in range(0, graph.shape[0], own):
        first = min(max(start - margin, 0), graph.shape[0] - rows)
        found.append(Band(graph, part, first, start - first, min(start + own, graph.shape[0]) - first))
    return tuple(found)
