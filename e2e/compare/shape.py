"""The shape of a parsed answer, and how two shapes differ."""


def leaves(shape, value, at=""):
    """Returns path → type of everything in a parsed answer. Keys of maps and positions in lists do not count; the
    values of booleans and enums do, as they are what a service answers by default."""
    if value is None or shape is None:
        return {at: "null"} if value is None else {}
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        found = {at: "structure"} if at else {}
        for name, inner in value.items():
            if name in shape.members:
                found |= leaves(shape.members[name], inner, f"{at}.{name}" if at else name)
        return found
    if kind == "list" and isinstance(value, list):
        found = {at: "list"}
        for inner in value:
            for path, what in leaves(shape.member, inner, at + "[]").items():
                found[path] = merged(found.get(path), what)
        return found
    if kind == "map" and isinstance(value, dict):
        found = {at: "map"}
        for inner in value.values():
            for path, what in leaves(shape.value, inner, at + "{}").items():
                found[path] = merged(found.get(path), what)
        return found
    if kind == "boolean" or getattr(shape, "enum", None):
        return {at: str(value).lower() if kind == "boolean" else str(value)}
    return {at: kind}


def merged(a, b):
    return b if a in (None, b) else "|".join(sorted(set(a.split("|")) | set(b.split("|"))))


def difference(ours, theirs):
    """Returns the lines by which two sets of leaves differ. What is below a member that one side lacks is not repeated."""
    lines = []
    for path in sorted(set(ours) | set(theirs)):
        here, there = ours.get(path), theirs.get(path)
        if here == there:
            continue
        above = parent(path)
        if above and (above in ours) != (above in theirs):
            continue
        if here is None:
            lines.append(f"{path} only in moto")
        elif there is None:
            lines.append(f"{path} only here")
        else:
            lines.append(f"{path} is {here} here, {there} in moto")
    return lines


def parent(path):
    if path.endswith(("[]", "{}")):
        return path[:-2]
    return path.rpartition(".")[0]
