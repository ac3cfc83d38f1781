"""One peer: loads its pipeline, then codes all documents each time a line arrives on stdin.

    peer.py NAME TERMS DOCUMENTS

Writes a line with its seconds: first for loading, then for each turn, with what it found.
"""

import json
import sys
import time
import types


def negspacy(terms):
    import spacy
    from negspacy.negation import Negex  # noqa: F401 (registers the component)

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": "PROBLEM", "pattern": term} for term in terms])
    nlp.add_pipe("negex", config={"ent_types": ["PROBLEM"]})
    return nlp, lambda entity: entity._.negex


def medspacy(terms):
    # The package imports QuickUMLS, which is neither installed nor used here.
    quickumls = types.ModuleType("quickumls")
    quickumls.spacy_component = types.ModuleType("quickumls.spacy_component")
    quickumls.spacy_component.SpacyQuickUMLS = object
    sys.modules["quickumls"] = quickumls
    sys.modules["quickumls.spacy_component"] = quickumls.spacy_component
    import spacy
    from medspacy.context import ConText  # noqa: F401
    from medspacy.target_matcher import TargetMatcher, TargetRule  # noqa: F401

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    matcher = nlp.add_pipe("medspacy_target_matcher")
    matcher.add([TargetRule(term, "PROBLEM") for term in terms])
    nlp.add_pipe("medspacy_context")
    return nlp, lambda entity: entity._.is_negated


def main():
    name, terms, documents = sys.argv[1:]
    with open(terms, encoding="utf-8") as lines:
        terms = sorted({line.split("\t")[0].strip().lower() for line in lines})
    with open(documents, encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    start = time.perf_counter()
    nlp, is_negated = {"negspacy": negspacy, "medspacy": medspacy}[name](terms)
    print(time.perf_counter() - start, 0, 0, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        found = denied = 0
        for document in nlp.pipe(texts):
            found += len(document.ents)
            denied += sum(bool(is_negated(entity)) for entity in document.ents)
        print(time.perf_counter() - start, found, denied, flush=True)


main()
