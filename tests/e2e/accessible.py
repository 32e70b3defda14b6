"""What a screen reader is told of the window: starts the program, presses keys, and prints the tree of AT-SPI after each step.

Usage: accessible.py PROGRAM [ARGUMENT…], in a session with a bus and AT-SPI. Prints one JSON object: step → [[depth, role, name, text]].
       accessible.py --listen TEXT PROGRAM [ARGUMENT…]: says TEXT to a model and prints what changed in live regions until a while
       after the reply: [[event, politeness, text]].
"""

import json
import subprocess
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

LIMIT = 6000


def walk(node, depth, out):
    if node is None or len(out) > LIMIT:
        return
    try:
        text = ""
        if "Text" in node.get_interfaces():
            text = Atspi.Text.get_text(node, 0, min(Atspi.Text.get_character_count(node), 400))
        out.append([depth, node.get_role_name(), node.get_name() or "", text.replace("\ufffc", "")])
        count = node.get_child_count()
        for place in range(count):
            walk(node.get_child_at_index(place), depth + 1, out)
    except GLib.Error:
        # What goes away while it is looked at is not there.
        return


def tree(until):
    """The tree, as soon as something in it is as wanted; the last one after half a minute."""
    out = []
    for _ in range(60):
        desktop = Atspi.get_desktop(0)
        out = []
        for place in range(desktop.get_child_count()):
            app = desktop.get_child_at_index(place)
            if app is not None and "airi" in (app.get_name() or "").lower():
                walk(app, 0, out)
        if any(until(role, name, text) for _, role, name, text in out):
            return out
        time.sleep(0.5)
    return out


def keys(*pressed):
    subprocess.run(["xdotool", "key", "--clearmodifiers", *pressed], check=True)
    time.sleep(0.5)


def typed(text):
    subprocess.run(["xdotool", "type", "--clearmodifiers", "--delay", "20", text], check=True)
    time.sleep(1.5)


def live(node):
    """How politely a change of this node is told; None where it is not told at all."""
    while node is not None:
        told = dict(node.get_attributes() or {}).get("live") or dict(node.get_attributes() or {}).get("container-live")
        if told is not None:
            return told
        node = node.get_parent()
    return None


def words(node, depth=0):
    if node is None or depth > 20:
        return ""
    own = ""
    if "Text" in node.get_interfaces():
        own = Atspi.Text.get_text(node, 0, Atspi.Text.get_character_count(node)).replace("\ufffc", "")
    return own + "".join(words(node.get_child_at_index(place), depth + 1) for place in range(node.get_child_count()))


def listen(text, program):
    heard = []

    def changed(event):
        try:
            told = live(event.source)
            if told not in (None, "off"):
                heard.append([event.type, told, words(event.source)])
        except GLib.Error:
            return

    listener = Atspi.EventListener.new(changed)
    for kind in ("object:text-changed:insert", "object:children-changed:add", "object:announcement", "object:notification"):
        listener.register(kind)
    program = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    loop = GLib.MainLoop()
    try:
        tree(lambda role, name, _: role == "entry" and name != "")
        typed(text)
        keys("Return")
        GLib.timeout_add(8000, loop.quit)
        loop.run()
    finally:
        program.terminate()
        program.wait(10)
    print(json.dumps(heard))


def main():
    Atspi.init()
    if sys.argv[1] == "--listen":
        listen(sys.argv[2], sys.argv[3:])
        return
    program = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    steps = {}
    try:
        steps["start"] = tree(lambda role, name, text: role == "push button" and "lease" in name)
        time.sleep(1)
        keys("ctrl+k")
        typed("lease")
        keys("Return")
        steps["thread"] = tree(lambda role, name, text: role == "article" and name != "")
        keys("ctrl+shift+p")
        typed("one document")
        keys("Return")
        steps["reading"] = tree(lambda role, name, text: role.startswith("document") and role != "document web")
    finally:
        program.terminate()
        program.wait(10)
    print(json.dumps(steps))


main()
