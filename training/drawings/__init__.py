"""Pictures drawn by program: text, facades, engravings, maps, patterns, charts and flat-coloured drawings.

They are drawn at four times their size and reduced, so that edges are antialiased as a camera or a renderer does it.
`catalogue.draw` draws each kind from a seed.
"""
