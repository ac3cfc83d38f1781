"""Writes sentences with identifiers that Faker made up, one JSON object a line.

Names, addresses, numbers and their formats are those of Faker's own lists and rules, for the
United States, and names of six other countries too, which nobody of this project wrote. What stands around them is a sentence of a note.

    pip install Faker==40.63.0
    python3 tests/python/faker_notes.py > runtime/deidentify/tests/faker.jsonl
"""

import json
import random

from faker import Faker

NOTES = 50
SEED = 20261129

fake = Faker("en_US")
Faker.seed(SEED)
random.seed(SEED)


def date():
    day = fake.date_object()
    return day.strftime(random.choice(["%m/%d/%Y", "%Y-%m-%d", "%d %b %Y", "%B %d, %Y", "%m-%d-%y"]))


ELSEWHERE = Faker(["de_DE", "en_IN", "es_MX", "fr_FR", "pl_PL", "vi_VN"])

NAME_SENTENCES = (
    [
        "{} was seen in clinic today for follow-up of asthma.",
        "Discussed with {}, who agrees with the plan.",
        "Patient: {}\nComplaint: cough for three weeks.",
        "Thank you for referring {} to our service.",
        "The mother of {} reports fever since yesterday.",
        "I spoke to {} by telephone about the results.",
        "It was a pleasure to meet {} this morning.",
        "{} is a 54-year-old with hypertension.",
        "Re: {}\nDear colleague,",
        "Consent was obtained from {} before the procedure.",
        "Results reviewed with {} and her husband.",
    ],
    [
        "{} called this morning asking for a refill.",
        "Please send a copy of the report to {} at the front office.",
        "We went over the biopsy with {} at length.",
        "On exam, {} appears comfortable.",
        "Plan explained; {} verbalized understanding.",
        "{} lives alone and walks with a cane.",
    ],
)
PLACE_SENTENCES = (
    [
        "She lives at {} with her daughter.",
        "Address: {}",
        "Transferred from a nursing home in {} last night.",
        "Home visit was made to {}.",
        "Discharged to his house in {} with oxygen.",
        "Home address {}, no stairs.",
        "The ambulance picked him up from {}.",
        "He moved to {} after the stroke.",
    ],
    [
        "Works at a factory in {} and smokes.",
        "Flew in from {} two days before symptoms.",
        "Mailing address on file is {}.",
        "Her pharmacy is in {} near the school.",
    ],
)

# Of each class: what Faker makes of it, the sentences that rules were mended by, and sentences that
# were written down before the rules were last mended, and not looked at since. Towns are real ones,
# where cities of addresses are made up.
CLASSES = {
    "name": (lambda: f"{fake.first_name()} {fake.last_name()}", *NAME_SENTENCES),
    "name_elsewhere": (
        lambda: f"{ELSEWHERE.first_name()} {ELSEWHERE.last_name()}",
        *NAME_SENTENCES,
    ),
    "place": (
        lambda: random.choice(
            [fake.street_address(), fake.address().replace("\n", ", "), fake.city()]
        ),
        *PLACE_SENTENCES,
    ),
    "town": (lambda: fake.local_latlng("US")[2], *PLACE_SENTENCES),
    "date": (
        date,
        [
            "Admitted on {} with chest pain.",
            "DOB: {}",
            "Last colonoscopy {}, normal.",
            "Pacemaker was placed {} without complication.",
            "Stroke {}.",
            "Seen {} by cardiology.",
            "Immunizations up to date as of {}.",
        ],
        ["Surgery was {}; sutures out later.", "Next visit {}.", "Symptoms since {}."],
    ),
    "phone": (
        fake.phone_number,
        [
            "Call back at {} if pain returns.",
            "Phone: {}",
            "Her son can be reached on {}.",
            "Left a message at {}.",
            "Pharmacy {} was informed.",
            "Cell {}",
        ],
        ["Reach her husband: {}.", "Number on file {}."],
    ),
    "email": (
        fake.email,
        [
            "Results were sent to {}.",
            "E-mail: {}",
            "Contact {} for records.",
            "She writes from {}.",
            "Portal account of {}",
        ],
        ["Send the form to {} please."],
    ),
    "ssn": (
        fake.ssn,
        [
            "SSN: {}",
            "Social security number {} on file.",
            "Registered as {}.",
            "Identified by {} at the desk.",
            "SS# {}",
        ],
        ["Social {} verified."],
    ),
    "account": (
        fake.bban,
        [
            "Account number {} will be billed.",
            "Payment to account {}.",
            "Acct: {}",
            "Debit from {} was refused.",
            "Bank details {}",
        ],
        ["Refund to {} is pending."],
    ),
    "licence": (
        lambda: fake.bothify("?#######").upper(),
        [
            "Driver's license {} was checked.",
            "License no. {}",
            "DEA number {}",
            "DL {}",
            "Presented licence {} as identification.",
        ],
        ["Shown licence number {}.", "ID was a license, {}."],
    ),
    "plate": (
        fake.license_plate,
        [
            "Struck by a car, plate {}.",
            "License plate: {}",
            "Came in a car with the plate {}.",
            "Plate number {} parked at the bay.",
        ],
        ["Her bike was hit by a van ({}).", "Registration {} per the ambulance crew."],
    ),
    "vin": (
        fake.vin,
        ["VIN {} was noted by the police.", "VIN: {}", "The car, {}, was towed."],
        ["Totaled vehicle {} per report."],
    ),
    "url": (
        lambda: random.choice([fake.url(), fake.uri()]),
        [
            "Blog at {} describes the symptoms.",
            "See {} for the photographs.",
            "Website: {}",
            "Posted at {} yesterday.",
        ],
        ["Records were uploaded to {} by the family."],
    ),
    "ip_address": (
        lambda: random.choice([fake.ipv4(), fake.ipv6()]),
        [
            "Portal login from {} at night.",
            "IP: {}",
            "The device reports from {}.",
            "Host {} sent the readings.",
        ],
        ["The telehealth session from {} dropped."],
    ),
    "device": (
        fake.mac_address,
        [
            "Glucose sensor {} was replaced.",
            "Device serial number {}",
            "Pump {} alarms.",
            "Paired with {}.",
        ],
        ["Monitor {} was offline."],
    ),
}

for name, (make, known, held_out) in CLASSES.items():
    for set_name, sentences in [("known", known), ("held out", held_out)]:
        for number in range(NOTES):
            identifier = make()
            before, after = sentences[number % len(sentences)].split("{}")
            start = len(before.encode())
            note = {
                "class": name,
                "set": set_name,
                "text": before + identifier + after,
                "start": start,
                "end": start + len(identifier.encode()),
            }
            print(json.dumps(note))
