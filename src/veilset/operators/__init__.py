"""The operators wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "dp_pix": Entry("veilset.operators.dp_pix:DpPix", "Mosaic of noisy cell means, differentially private."),
    "snow": Entry(
        "veilset.operators.snow:Snow", "Show a few pixels at random and hide the others, with a stated delta."
    ),
}
