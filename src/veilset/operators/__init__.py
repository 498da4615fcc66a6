"""The operators wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "dp_pix": Entry("veilset.operators.dp_pix:DpPix", "Mosaic of noisy cell means, differentially private."),
    "dp_samp": Entry("veilset.operators.dp_samp:DpSamp", "Few pixels at fixed places by randomised response."),
    "dp_svd": Entry("veilset.operators.dp_svd:DpSvd", "Noise on singular values; its effect is measured, not proved."),
    "snow": Entry(
        "veilset.operators.snow:Snow", "Show a few pixels at random and hide the others, with a stated delta."
    ),
}
