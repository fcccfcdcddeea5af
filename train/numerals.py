# SPDX-License-Identifier: Apache-2.0
"""Numbers from 0 to 100 in words, as speech recognisers write them."""

ONES = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve"
          " thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf"
          " dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce"
          " trece catorce quince dieciséis diecisiete dieciocho diecinueve",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze"
          " treize quatorze quinze seize dix-sept dix-huit dix-neuf",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici"
          " dodici tredici quattordici quindici sedici diciassette diciotto"
          " diciannove",
    "nl": "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf"
          " dertien veertien vijftien zestien zeventien achttien negentien",
    "pl": "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć"
          " dziesięć jedenaście dwanaście trzynaście czternaście piętnaście"
          " szesnaście siedemnaście osiemnaście dziewiętnaście",
    "pt": "zero um dois três quatro cinco seis sete oito nove dez onze doze"
          " treze catorze quinze dezasseis dezassete dezoito dezanove",
}
TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety hundred",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
          " hundert",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"
          " cien",
    "fr": "vingt trente quarante cinquante soixante soixante-dix"
          " quatre-vingt quatre-vingt-dix cent",
    "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta"
          " cento",
    "nl": "twintig dertig veertig vijftig zestig zeventig tachtig negentig"
          " honderd",
    "pl": "dwadzieścia trzydzieści czterdzieści pięćdziesiąt sześćdziesiąt"
          " siedemdziesiąt osiemdziesiąt dziewięćdziesiąt sto",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa"
          " cem",
}
# One and two have genders.
FORMS = {
    "de": {1: ("ein", "eine", "einen", "einer", "eins")},
    "es": {1: ("un", "una", "uno")}, "fr": {1: ("un", "une")},
    "it": {1: ("un", "una", "uno")}, "nl": {1: ("een", "één")},
    "pl": {1: ("jedna", "jedną", "jeden", "jedno"), 2: ("dwa", "dwie")},
    "pt": {1: ("um", "uma"), 2: ("dois", "duas")},
}
HALVES = {"en": "point five", "de": "komma fünf", "es": "coma cinco",
          "fr": "virgule cinq", "it": "virgola cinque", "nl": "komma vijf",
          "pl": "i pół", "pt": "vírgula cinco"}


def in_words(number, language, rng):
    """The number in words: 0 to 100, halves too."""
    whole = int(number)
    forms = FORMS.get(language, {}).get(whole)
    word = rng.choice(forms) if forms else cardinal(whole, language)
    return word if number == whole else f"{word} {HALVES[language]}"


def cardinal(number, language):
    ones, tens = ONES[language].split(), TENS[language].split()
    if number < 20:
        return ones[number]
    ten, one = divmod(number, 10)
    word = tens[ten - 2]
    if number == 100:
        return "one hundred" if language == "en" else word
    if language == "fr" and ten in (7, 9):
        return f"{tens[ten - 3]}-{ones[10 + one]}"
    if number == 80 and language == "fr":
        return "quatre-vingts"
    if one == 0:
        return word
    if language == "en":
        return f"{word} {ones[one]}" if number % 2 else f"{word}-{ones[one]}"
    if language == "de":
        return ("ein" if one == 1 else ones[one]) + "und" + word
    if language == "nl":
        return ones[one] + ("ën" if one in (2, 3) else "en") + word
    if language == "es":
        return "veinti" + ones[one] if ten == 2 else f"{word} y {ones[one]}"
    if language == "fr":
        return f"{word} et un" if one == 1 else f"{word}-{ones[one]}"
    if language == "it":
        return (word[:-1] if one in (1, 8) else word) + ones[one]
    if language == "pt":
        return f"{word} e {ones[one]}"
    return f"{word} {ones[one]}"
