"""Words that values of SVG and CSS are made of, and fonts that everybody has. Data alone."""

from __future__ import annotations

WORDS = frozenset(
    """
    a a98-rgb accumulate after-edge aliceblue align all all-small-caps alpha alphabetic antiquewhite aqua aquamarine
    arcs arithmetic at atop auto auto-start-reverse azure b baseline before-edge beige bevel bidi-override bisque
    black blanchedalmond blink block blue blueviolet blur bold bolder border-box both bottom bounding-box
    break-spaces brightness brown burlywood butt cadetblue calc calt capitalize center central chartreuse chocolate
    circle clamp clip closest-side collapse color color-burn color-dodge color-mix compact condensed contain
    content-box contents context-fill context-stroke contrast coral cornflowerblue cornsilk cover crimson crispedges
    crosshair css currentcolor cursive cyan dark darkblue darkcyan darken darkgoldenrod darkgray darkgreen darkgrey
    darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon darkseagreen darkslateblue
    darkslategray darkslategrey darkturquoise darkviolet dashed decreasing deeppink deepskyblue default defer
    difference dilate dimgray dimgrey discrete display-p3 dlig dodgerblue dotted double drop-shadow duplicate
    ellipse ellipsis embed end erode evenodd exact exclusion expanded extra-condensed extra-expanded fantasy
    farthest-side fill fill-box firebrick fixed fixed-position flex floralwhite forestgreen fractalnoise fuchsia
    full-width g gainsboro gamma geometricprecision ghostwhite gold goldenrod gray grayscale green greenyellow grey
    grid hanging hard-light help hidden high-quality hist honeydew horizontal-tb hotpink hsl hsla hue hue-rotate
    huerotate hwb icccolor identity ideographic important in increasing indianred indigo inherit initial inline
    inline-block inset inside invert isolate isolate-override italic ivory justify kern khaki lab large larger
    lavender lavenderblush lawngreen lch left lemonchiffon liga light light-dark lightblue lightcoral lightcyan
    lighten lighter lightgoldenrodyellow lightgray lightgreen lightgrey lightpink lightsalmon lightseagreen
    lightskyblue lightslategray lightslategrey lightsteelblue lightyellow lime limegreen line-through linear
    linearrgb linen list-item local longer lowercase lr lr-tb ltr luminance luminancetoalpha luminosity magenta
    margin-box marker markers maroon mask-type match-source mathematical matrix matrix3d max medium mediumaquamarine
    mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue mediumspringgreen mediumturquoise
    mediumvioletred meet middle midnightblue min mintcream mistyrose miter miter-clip moccasin monospace move
    multiply narrower navajowhite navy new no-change no-repeat non-rotation non-scaling-size non-scaling-stroke none
    nonzero normal nostitch nowrap nums objectboundingbox oblique off oklab oklch oldlace olive olivedrab on only
    opacity optimizelegibility optimizequality optimizespeed orange orangered orchid out over overlay overline pad
    padding-box painted palegoldenrod palegreen paleturquoise palevioletred papayawhip path peachpuff peru pink
    pixelated plaintext plum plus-lighter pointer polygon powderblue pre pre-line pre-wrap preserve prophoto-rgb
    purple r rebeccapurple rec2020 rect red reflect repeat repeat-x repeat-y reset-size revert rgb rgba right rl
    rl-tb rosybrown rotate rotate3d rotatex rotatey rotatez round royalblue rtl run-in saddlebrown salmon sandybrown
    sans-serif saturate saturation scale scale3d scalex scaley scalez screen scroll seagreen seashell semi-condensed
    semi-expanded sepia serif shorter sideways sienna silver skew skewx skewy skyblue slateblue slategray slategrey
    slice small small-caps smaller smcp smooth snow soft-light solid spacing spacingandglyphs springgreen square
    srgb srgb-linear start start-align steelblue stitch stretch stroke stroke-box strokewidth sub super system-ui
    table tan tb tb-rl teal text text-after-edge text-before-edge text-bottom text-top thistle tomato top translate
    translate3d translatex translatey translatez transparent turbulence turquoise ultra-condensed ultra-expanded
    underline unset uppercase use-script userspaceonuse var vertical-lr vertical-rl view-box violet visible
    visiblefill visiblepainted visiblestroke wait wavy wheat white whitesmoke wider wrap x-large x-small xmaxymax
    xmaxymid xmaxymin xmidymax xmidymid xmidymin xminymax xminymid xminymin xor xx-large xx-small xyz xyz-d50
    xyz-d65 yellow yellowgreen
    """.split()  # noqa: SIM905 - a hundred lines of quotes would say no more
)
FONTS = frozenset(
    word.strip()
    for word in """
    arial|arial black|arial narrow|arial unicode ms|avenir|avenir next|baskerville|bitstream vera sans|
    bitstream vera sans mono|bitstream vera serif|book antiqua|bookman old style|calibri|cambria|candara|cantarell|
    century gothic|century schoolbook|charter|comic sans ms|consolas|constantia|corbel|courier|courier new|cursive|
    dejavu sans|dejavu sans mono|dejavu serif|didot|fantasy|fira code|fira mono|fira sans|franklin gothic medium|
    freemono|freesans|freeserif|futura|garamond|geneva|georgia|gill sans|helvetica|helvetica neue|impact|
    inconsolata|inherit|initial|inter|lato|liberation mono|liberation sans|liberation serif|lucida console|
    lucida grande|lucida sans|lucida sans unicode|menlo|microsoft sans serif|monaco|mono|monospace|montserrat|
    myriad pro|nimbus mono l|nimbus roman no9 l|nimbus sans l|noto sans|noto serif|nunito|open sans|optima|oswald|
    palatino|palatino linotype|poppins|raleway|roboto|roboto condensed|roboto mono|roboto slab|sans|sans-serif|
    segoe ui|serif|source code pro|source sans pro|source serif pro|symbol|system-ui|tahoma|times|times new roman|
    trebuchet ms|ubuntu|ubuntu mono|verdana|webdings|wingdings|
    """.strip(" |\n").split("|")
)
