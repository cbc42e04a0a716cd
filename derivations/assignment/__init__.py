"""The lemmas of Zeilmann, Petra, Schnörr: Learning linearized assignment flows for image labeling (JMIV 65, 2023).

One file a lemma; each defines ``LEMMA``. ``notation.py`` holds the names that they share.
"""
