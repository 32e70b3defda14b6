"""A small window on top of all others from which files can be dragged, as from a file manager.

Usage: drag.py X Y URI…. Prints "ready" when it is there; ends when its standard input does.
"""

import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402

SIDE = 60


def main():
    x, y, *uris = sys.argv[1:]
    window = Gtk.Window(type=Gtk.WindowType.POPUP)
    window.set_default_size(SIDE, SIDE)
    box = Gtk.EventBox()
    box.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
    box.drag_source_add_uri_targets()
    box.connect("drag-data-get", lambda _box, _context, data, _info, _time: data.set_uris(uris))
    window.add(box)
    window.move(int(x), int(y))
    window.show_all()
    GLib.io_add_watch(sys.stdin, GLib.IO_HUP | GLib.IO_IN, lambda *_: Gtk.main_quit())
    GLib.idle_add(lambda: print("ready", flush=True))
    Gtk.main()


main()
