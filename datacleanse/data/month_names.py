"""The months by the names and short names that they have in the languages of many tables."""

from __future__ import annotations

_NAMES = (
    # English, German, French, Spanish, Italian, Portuguese, Dutch.
    "jan january januar jänner jän janv janvier ene enero gen gennaio janeiro januari",
    "feb february februar feber fev fév févr fevr février fevrier febrero febbraio fevereiro "
    "februari",
    "mar march mär mrz märz maerz mars marzo março marco mrt maart",
    "apr april avr avril abr abril aprile",
    "may mai mayo mag maggio maio mei",
    "jun june juni juin junio giu giugno junho",
    "jul july juli juil juillet julio lug luglio julho",
    "aug august août aout ago agosto augustus",
    "sep sept september septembre septiembre set settembre setembro",
    "oct october okt oktober octobre octubre ott ottobre out outubro",
    "nov november novembre noviembre novembro",
    "dec december dez dezember déc décembre decembre dic diciembre dicembre dezembro",
)
MONTHS = {name: number for number, names in enumerate(_NAMES, start=1) for name in names.split()}
"""Name in lower case, without a point, to the number of the month from 1. None is in two months."""
