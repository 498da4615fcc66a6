"""The probes wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "activity": Entry("veilset.probes.utility.activity:Activity", "Activities, and people, in treated recordings."),
    "attribute": Entry("veilset.probes.attack.attribute:Attribute", "Infer gender, age or activity of unseen people."),
    "canary": Entry("veilset.probes.attack.canary:Canary", "Empirical epsilon of the whole treatment, by canaries."),
    "deobfuscate": Entry(
        "veilset.probes.attack.deobfuscate:Deobfuscate", "Undo a blur or mosaic, and name who it was."
    ),
    "detection_kept": Entry("veilset.probes.utility.detection_kept:DetectionKept", "Find again what was found before."),
    "downstream": Entry("veilset.probes.utility.downstream:Downstream", "Train on treated, test on clean, by class."),
    "fidelity": Entry(
        "veilset.probes.utility.fidelity:Fidelity", "How much of the pictures is still there, inside and outside."
    ),
    "fuse": Entry("veilset.probes.attack.fuse:Fuse", "Lay repeated releases, or frames of a scene, over one another."),
    "gan_leak": Entry(
        "veilset.probes.attack.gan_leak:GanLeak", "An insider's generator draws others' people.", "learn"
    ),
    "gap": Entry("veilset.probes.fairness.gap:Gap", "Any measure by group of people, and the widest difference."),
    "interpolate": Entry("veilset.probes.attack.interpolate:Interpolate", "Rebuild pictures from the pixels left."),
    "invert": Entry("veilset.probes.attack.invert:Invert", "Draw faces out of a recogniser trained on the release."),
    "iris": Entry("veilset.probes.attack.iris:Iris", "Match treated eyes by iris code, where irises are large enough."),
    "landmarks": Entry("veilset.probes.utility.landmarks:Landmarks", "Pupils kept, and eye regions still matched."),
    "link": Entry("veilset.probes.attack.link:Link", "Find the treated twin of an original by all but the person."),
    "membership": Entry("veilset.probes.attack.membership:Membership", "Tell whose picture a classifier learned from."),
    "metadata_residue": Entry(
        "veilset.probes.metadata_residue:MetadataResidue", "Raw search of released files for the originals' tag values."
    ),
    "naturalness": Entry("veilset.probes.utility.naturalness:Naturalness", "Seams, detail, colours: proxies only."),
    "recover_text": Entry("veilset.probes.attack.recover_text:RecoverText", "Read text through a mosaic or blur."),
    "refute": Entry("veilset.probes.attack.refute:Refute", "Try to refute every claim of differential privacy."),
    "reidentify": Entry("veilset.probes.attack.reidentify:Reidentify", "Recognise people, retrained on treated data."),
    "residual": Entry("veilset.probes.attack.residual:Residual", "Look for faces in the result with another network."),
    "undo": Entry("veilset.probes.attack.undo:Undo", "Undo the treatment by filters that everybody has."),
    "viewers": Entry("veilset.probes.utility.viewers:Viewers", "What people said in a small study of viewers."),
}
