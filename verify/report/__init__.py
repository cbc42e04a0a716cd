"""What the audit found, for readers: a static site, a table in the documentation.

| file | writes |
|---|---|
| ``site.py`` | the site: an index, one page a lemma, style, font, the data as JSON |
| ``index_view.py``, ``lemma_view.py`` | what stands on its pages, as plain data for ``templates/`` |
| ``steps.py`` | the derivation of a claim, step by step |
| ``histogram.py`` | errors against bounds, as SVG |
| ``mathml.py`` | LaTeX and Markdown to HTML, without a network and without JavaScript |
| ``assurance.py`` | ``docs/assurance.md`` |
"""
