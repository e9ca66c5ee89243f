"""Figures of time, memory, files: whole audits, predictions, exports, reports, pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.figures.numbers import bold, count, percent, ratio, share, table
from docs.figures.results import average, source

if TYPE_CHECKING:
    from docs.figures.results import Figure, Record, Results

MIB = 2**20
MB = 10**6
WEIGHTS = {
    "plain": "plain",
    "weights": "our weights",
    "squared": "their squares",
    "keep": "our flags dropped",
    "cleanlab": "cleanlab's dropped",
}
PICTURES = {"flowers (JPEG, 128 x 128)": "JPEG of flowers, 128 x 128"}


def audit_time(way: str, key: str) -> Figure:
    """Time of an audit over that of five-fold cross-validation and a fit."""
    return lambda results: ratio(results["audit_time"][way][key])


def scaling(rows: int) -> Figure:
    """Time a row at this size over that at 10,000 rows."""
    return lambda r: ratio(_size(r, rows)["time_a_row_over_first"])


def peak(rows: int, key: str = "peak_bytes") -> Figure:
    """Memory of an audit, in MiB."""
    return lambda results: count(_size(results, rows)[key] / MIB)


def _size(results: Results, rows: int) -> Record:
    found: Record = next(s for s in results["scaling"]["sizes"] if s["rows"] == rows)
    return found


def report(name: str, key: str, *, unit: float = 1) -> Figure:
    """A figure of the report's size or speed."""
    return lambda results: ratio(results["report_size"]["reports"][name][key] / unit)


def slowest_view(name: str) -> Figure:
    """The longest that a search, a filter or an order of the list takes, in milliseconds."""
    return lambda results: count(max(results["report_size"]["reports"][name]["views"].values()))


def report_bound(name: str) -> Figure:
    """The most megabytes that a report may take."""
    return lambda r: ratio(r["report_size"]["bounds"]["bytes"][name] / MB, 1)


def largest_difference(result: str, key: str) -> Figure:
    """The largest difference of a probability between an export and `predict`."""
    return lambda results: f"{max(each['difference'] for each in results[result][key]):.1e}"


def other_class(result: str, key: str) -> Figure:
    """Rows of another class than `predict`'s."""
    return lambda results: count(sum(each["other_class"] for each in results[result][key]))


def threads(*, busy: bool, batch: int) -> Figure:
    """How many times slower a step is on two threads than on one."""

    def said(results: Results) -> str:
        steps = results["threads"]["steps"]
        found = next(s for s in steps if s["busy"] is busy and s["batch"] == batch)
        return ratio(found["milliseconds"]["2"] / found["milliseconds"]["1"], 1)

    return said


def predict_table(results: Results) -> str:
    """Microseconds a row of a prediction."""
    seconds = results["predict"]["seconds"]
    return table(["", "µs a row"], [[way, ratio(1e6 * each, 1)] for way, each in seconds.items()])


def weights_table(results: Results) -> str:
    """Boosted trees with our weights, and without what is flagged."""
    cells: list[Record] = results["weights"]["cells"]
    rows = []
    for cell in cells:
        name, noise, _ = cell["cell"].split("/")
        figures = [share(cell[way]) for way in WEIGHTS]
        best = max(figures)
        shown = [bold(figure, figure == best) for figure in figures]
        rows.append([f"{name}, {noise}", percent(cell["wrong"]), *shown])
    rows.append(["mean", "", *(share(average(cells, way)) for way in WEIGHTS)])
    return table(["table, errors", "wrong", *WEIGHTS.values()], rows)


def most_lost(way: str) -> Figure:
    """The most accuracy that a way costs in a cell, against plain training."""
    return lambda r: share(max(cell["plain"] - cell[way] for cell in r["weights"]["cells"]))


def pictures_compared(name: str) -> Figure:
    """Pictures of a set that an export was compared on."""
    return lambda r: count(
        next(each["images"] for each in r["export_images"]["sets"] if each["set"] == name)
    )


def decode_table(results: Results) -> str:
    """Pictures decoded a second."""
    rows = []
    for each in results["decode"]["sets"]:
        said = f"{count(each['pictures'])} {PICTURES.get(each['set'], each['set'])}"
        speeds = [count(each[way]) for way in ("threads", "processes", "datacleanse")]
        rows.append([said, count(each["side"]), *speeds, ratio(each["share"])])
    header = ["pictures", "side", "loop, threads", "loop, processes", "datacleanse"]
    return table([*header, "share of the faster"], rows)


def review(number: str, key: str) -> Figure:
    """A figure of the first or the second round of a review by keys."""
    return lambda results: share(results["review_keys"]["rounds"][number][key])


def verify_seconds(case: str, key: str) -> Figure:
    """Seconds from a key to the next row, of one of the cases."""
    return lambda results: share(results["verify_keys"]["cases"][case][key])


FIGURES: dict[str, Figure] = {
    "verify_keys.source": source("verify_keys"),
    "verify_keys.bound": lambda r: share(r["verify_keys"]["bound"], 2),
    "verify_keys.load": lambda r: ratio(r["verify_keys"]["load_average"], 0),
    "verify_keys.table.median": verify_seconds("table", "median_seconds"),
    "verify_keys.table.longest": verify_seconds("table", "longest_seconds"),
    "verify_keys.many.median": verify_seconds("77 classes", "median_seconds"),
    "verify_keys.many.longest": verify_seconds("77 classes", "longest_seconds"),
    "verify_keys.pictures.median": verify_seconds("pictures", "median_seconds"),
    "verify_keys.pictures.longest": verify_seconds("pictures", "longest_seconds"),
    "verify_keys.wrong": lambda r: count(
        sum(each["wrong_verdicts"] for each in r["verify_keys"]["cases"].values())
    ),
    "verify_keys.kills": lambda r: count(r["verify_keys"]["kills"]["kills"]),
    "verify_keys.confirmed": lambda r: count(r["verify_keys"]["kills"]["confirmed"]),
    "verify_keys.lost": lambda r: count(r["verify_keys"]["kills"]["confirmed_lost"]),
    "audit_time.wall": audit_time("audit", "ratio"),
    "audit_time.cpu": audit_time("audit", "ratio_cpu"),
    "audit_time.fast.wall": audit_time("audit --fast", "ratio"),
    "audit_time.fast.cpu": audit_time("audit --fast", "ratio_cpu"),
    "scaling.time.100000": scaling(100_000),
    "scaling.time.1000000": scaling(1_000_000),
    "scaling.peak.10000": peak(10_000),
    "scaling.peak.100000": peak(100_000),
    "scaling.peak.1000000": peak(1_000_000),
    "scaling.torch": lambda r: count(r["scaling"]["interpreter_bytes"] / MIB),
    "scaling.source": source("scaling"),
    "audit_time.source": source("audit_time"),
    "scaling.bound.1000000": peak(1_000_000, "allowed_bytes"),
    "report_size.table": report("table", "bytes", unit=MB),
    "report_size.pictures": report("pictures", "bytes", unit=MB),
    "report_size.source": source("report_size"),
    "report_size.table.bound": report_bound("table"),
    "report_size.pictures.bound": report_bound("pictures"),
    "report_size.seconds.bound": lambda r: count(r["report_size"]["bounds"]["seconds"]),
    "report_size.table.ready": report("table", "ready_median"),
    "report_size.pictures.ready": report("pictures", "ready_median"),
    "report_size.table.main": report("table", "main_thread_median"),
    "report_size.pictures.main": report("pictures", "main_thread_median"),
    "report_size.milliseconds.bound": lambda r: count(r["report_size"]["bounds"]["milliseconds"]),
    "report_size.table.view": slowest_view("table"),
    "report_size.pictures.view": slowest_view("pictures"),
    "report_size.load": lambda r: ratio(r["report_size"]["load_average"], 0),
    "review_pictures.source": source("review_pictures"),
    "review_pictures.load": lambda r: ratio(r["review_pictures"]["load_average"], 0),
    "review_pictures.number": lambda r: count(r["review_pictures"]["pictures"]),
    "review_pictures.wrong.before": lambda r: count(r["review_pictures"]["wrong_before"]),
    "review_pictures.wrong.after": lambda r: count(r["review_pictures"]["wrong_after"]),
    "review_pictures.seconds": lambda r: ratio(r["review_pictures"]["program_seconds_a_picture"]),
    "review_pictures.seconds.bound": lambda r: ratio(r["review_pictures"]["bound_seconds"]),
    "review_pictures.keys": lambda r: ratio(r["review_pictures"]["keys_a_picture"]),
    "review_pictures.keys.bound": lambda r: ratio(r["review_pictures"]["bound_keys"], 1),
    "grid_size.source": source("grid_size"),
    "grid_size.tiles": lambda r: count(r["grid_size"]["tiles"]),
    "grid_size.page": lambda r: ratio(r["grid_size"]["page_bytes"] / MB),
    "grid_size.first": lambda r: ratio(r["grid_size"]["originals_at_first_bytes"] / MB),
    "grid_size.bound": lambda r: ratio(r["grid_size"]["bound_bytes"] / MB, 0),
    "grid_size.all": lambda r: ratio(r["grid_size"]["originals_by_the_end_bytes"] / MB, 0),
    "review_keys.source": source("review_keys"),
    "review_keys.w": lambda r: count(r["review_keys"]["keys"]["w"]),
    "review_keys.digit": lambda r: count(r["review_keys"]["keys"]["digit"]),
    "review_keys.saved": lambda r: count(r["review_keys"]["saved"]),
    "review_keys.wrong": lambda r: count(r["review_keys"]["wrong_decisions"]),
    "review_keys.seconds": lambda r: ratio(r["review_keys"]["seconds_a_row"]),
    "review_keys.ap.first": review("first", "average_precision"),
    "review_keys.ap.second": review("second", "average_precision"),
    "review_keys.false_share.first": review("first", "false_share"),
    "review_keys.false_share.second": review("second", "false_share"),
    "review_keys.accuracy.first": review("first", "test_accuracy"),
    "review_keys.accuracy.second": review("second", "test_accuracy"),
    "export.tables.difference": largest_difference("export_check", "tables"),
    "export.tables.other_class": other_class("export_check", "tables"),
    "export.images.difference": largest_difference("export_images", "sets"),
    "export.images.other_class": other_class("export_images", "sets"),
    "export.images.mnist": pictures_compared("mnist"),
    "export.images.flowers": pictures_compared("flowers"),
    "weights.source": source("weights"),
    "weights.most_lost": most_lost("weights"),
    "weights.squared.most_lost": most_lost("squared"),
    "decode.source": source("decode"),
    "threads.busy": threads(busy=True, batch=128),
    "ranks.source": source("ranks"),
    "ranks.ratio": lambda r: ratio(r["ranks"]["speed"]["fastest_ratio"]),
    "ranks.difference": lambda r: f"{max(r['ranks']['largest_difference'].values()):.0e}",
    "ranks.kills": lambda r: count(len(r["ranks"]["audits"]["kills"])),
    "ranks.same": lambda r: count(r["ranks"]["audits"]["same_ranking"]),
}

TABLES: dict[str, Figure] = {
    "predict.time": predict_table,
    "weights.by_cell": weights_table,
    "decode.speed": decode_table,
}
