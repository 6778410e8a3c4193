// SPDX-License-Identifier: Apache-2.0
// Mistakes of a script are thrown as errors with a code: `gjs mistakes.js ADDRESS`.
imports.gi.versions.DeyeBus = '1.0';
const {DeyeBus, GLib, GObject} = imports.gi;

const [address] = ARGV;
const {CLOSED, DUPLICATE_ID, INVALID_ARGUMENT, NO_BROKER} = DeyeBus.Error;

function failsWith(code, call) {
    try {
        call();
    } catch (error) {
        if (error instanceof GLib.Error && error.matches(DeyeBus.Error, code))
            return;
        throw error;
    }
    throw new Error(`no error from ${call}`);
}

const client = new DeyeBus.Client({id: 'x-1', type: 'x', address});
if (client.get_id() !== 'x-1' || !client.connect(null))
    throw new Error('a client that was constructed by properties');

failsWith(INVALID_ARGUMENT, () => new DeyeBus.Client().connect(null));
failsWith(NO_BROKER, () => new DeyeBus.Client({id: 'x-2', address: `${address}.none`, reconnect: false}).connect(null));
failsWith(INVALID_ARGUMENT, () => DeyeBus.Service.new('bad name!', null));
failsWith(INVALID_ARGUMENT, () => client.add_service(new DeyeBus.Service()));
failsWith(INVALID_ARGUMENT, () => client.add_service(new DeyeBus.Service({name: 'bad name!'})));
failsWith(CLOSED, () => new DeyeBus.Subscription().next(1000, null));

const service = new DeyeBus.Service({name: 'org.example.Script', doc: 'In JavaScript.'});
service.add_property('there', 1, true, null);
failsWith(DUPLICATE_ID, () => service.add_property('there', 1, true, null));
failsWith(INVALID_ARGUMENT, () => service.add_property('a b', 1, true, null));
failsWith(INVALID_ARGUMENT, () => service.add_property('object', new GObject.Object(), true, null));
failsWith(INVALID_ARGUMENT, () => service.change_property('there', 'text'));
failsWith(INVALID_ARGUMENT, () => service.add_types(new GLib.Bytes(new TextEncoder().encode('garbage'))));
failsWith(DUPLICATE_ID, () => service.add_method('Ping', null, null, null, () => {}));
client.add_service(service);
failsWith(DUPLICATE_ID, () => client.add_service(service));
client.close(null);
print('done');
