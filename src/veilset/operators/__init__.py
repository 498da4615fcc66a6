"""The operators wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "blur": Entry("veilset.operators.blur:Blur", "Blur, each finding as strongly as its own size asks for."),
    "dp_embed": Entry(
        "veilset.operators.dp_embed:DpEmbed", "Few noisy coefficients of a face, differentially private."
    ),
    "dp_pix": Entry("veilset.operators.dp_pix:DpPix", "Mosaic of noisy cell means, differentially private."),
    "dp_samp": Entry("veilset.operators.dp_samp:DpSamp", "Few pixels at fixed places by randomised response."),
    "dp_svd": Entry("veilset.operators.dp_svd:DpSvd", "Noise on singular values; its effect is measured, not proved."),
    "drop": Entry("veilset.operators.drop:Drop", "Leave the whole sample out of the release."),
    "inpaint": Entry("veilset.operators.inpaint:Inpaint", "Fill with what stands around it."),
    "mask": Entry("veilset.operators.mask:Mask", "Cover with one colour."),
    "pixelate": Entry("veilset.operators.pixelate:Pixelate", "A coarse mosaic of true means."),
    "snow": Entry(
        "veilset.operators.snow:Snow", "Show a few pixels at random and hide the others, with a stated delta."
    ),
    "strip": Entry("veilset.operators.strip:Strip", "Remove tags, all but an allowlist."),
}
