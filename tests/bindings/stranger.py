#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The collector of services.py, with message types of its own: `stranger.py ADDRESS`."""
import sys

import gi
gi.require_version("DeyeBus", "1.0")
from gi.repository import DeyeBus, GLib  # noqa: E402
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402

SERVICE = "org.example.Disk"
FIELD = descriptor_pb2.FieldDescriptorProto


def schema():
    """The descriptor of disk.proto. It is built here, so that no such file exists."""
    file = descriptor_pb2.FileDescriptorProto(name="org/example/disk.proto", package="org.example", syntax="proto3")

    def add(name, *fields):
        message = file.message_type.add(name=name)
        for number, (field, kind, label, type_name) in enumerate(fields, 1):
            message.field.add(name=field, number=number, type=kind, label=label, type_name=type_name)

    one, many = FIELD.LABEL_OPTIONAL, FIELD.LABEL_REPEATED
    state = file.enum_type.add(name="State")
    for number, name in enumerate(["UNKNOWN", "GOOD", "WORN"]):
        state.value.add(name=name, number=number)
    add("Disk", ("name", FIELD.TYPE_STRING, one, None), ("bytes", FIELD.TYPE_UINT64, one, None),
        ("state", FIELD.TYPE_ENUM, one, ".org.example.State"), ("serial", FIELD.TYPE_BYTES, one, None),
        ("temperature", FIELD.TYPE_SINT32, one, None))
    add("Query", ("name", FIELD.TYPE_STRING, one, None))
    add("Disks", ("disks", FIELD.TYPE_MESSAGE, many, ".org.example.Disk"))
    return file


def classes(file):
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(f"org.example.{name}")) for name in ("Disk", "Query", "Disks")}


def main(address):
    file = schema()
    types = classes(file)
    disks = [types["Disk"](name="sda", bytes=2 ** 40, state=1, serial=b"\x00\x01", temperature=-5),
             types["Disk"](name="sdb", bytes=2 ** 63, state=2)]
    client = DeyeBus.Client.new(address, "diskmond-1", "diskmond")
    service = DeyeBus.Service.new(SERVICE, "Disks of this machine.")

    def on_list(client_, request, *_):
        query = types["Query"]()
        query.ParseFromString(request.dup_payload().get_data())
        reply = types["Disks"](disks=[disk for disk in disks if query.name in ("", disk.name)])
        client_.respond(request, GLib.Bytes.new(reply.SerializeToString()), None)

    def on_fill(client_, request, *_):
        client_.respond_error(request, "org.example.Full", "the disk is full")

    def on_tell(client_, request, *_):
        options = DeyeBus.Options.new()
        options.set_type_name("org.example.Disk")
        client_.publish("events.diskmond.worn", GLib.Bytes.new(disks[1].SerializeToString()), options, None)
        service.change_property("calls", service.read_property("calls")[1] + 1)
        client_.respond(request, None, None)

    descriptors = descriptor_pb2.FileDescriptorSet(file=[file])
    service.add_types(GLib.Bytes.new(descriptors.SerializeToString()))
    service.add_method("ListDisks", "org.example.Query", "org.example.Disks", "All disks, or one.", on_list, None)
    service.add_method("Fill", None, None, "Fails.", on_fill, None)
    service.add_method("Tell", None, None, "Publishes a worn disk.", on_tell, None)
    service.add_event("Worn", "events.diskmond.worn", "org.example.Disk", "A disk is worn.")
    service.add_property("limit", 80, True, "Percent.")
    service.add_property("label", "none", True, None)
    service.add_property("ratio", 0.5, False, None)
    service.add_property("active", True, True, None)
    service.add_property("calls", 0, False, "How often Tell was called.")
    service.connect("refuse-property", lambda _service, name, value: name == "limit" and value > 100)
    client.add_service(service)
    client.connect(None)
    loop = GLib.MainLoop()
    client.connect_after("closed", lambda *_: loop.quit())
    print("ready", flush=True)
    loop.run()


main(sys.argv[1])
