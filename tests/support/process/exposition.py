"""The Prometheus text format 0.0.4, read strictly: a line that does not fit is an error."""

import re

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


class Family:
    def __init__(self, name, kind, text):
        self.name, self.kind, self.help = name, kind, text
        self.samples = []  # (sample name, labels, value)

    def value(self, suffix="", **labels):
        """The sum over the samples that have these labels."""
        return sum(v for n, l, v in self.samples if n == self.name + suffix and all(l.get(k) == w for k, w in labels.items()))


def parse(text):
    """Family by name."""
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    families, helps, current = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            helps[name] = words
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            if name in families:
                raise ValueError("two families: " + name)
            current = families[name] = Family(name, kind, helps.get(name, ""))
        else:
            current.samples.append(read_sample(line, current))
    return families


def read_sample(line, family):
    found = SAMPLE.match(line)
    if not found:
        raise ValueError("no sample: " + line)
    name, inner, value = found.groups()
    suffixes = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
    if name not in [family.name + suffix for suffix in suffixes]:
        raise ValueError("a sample of another family: " + line)
    labels, at = {}, 0
    while inner and at < len(inner):
        pair = LABEL.match(inner, at)
        if not pair:
            raise ValueError("no labels: " + line)
        labels[pair.group(1)] = pair.group(2)
        at = pair.end()
    return name, labels, float(value.replace("+Inf", "inf"))
