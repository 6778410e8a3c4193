// SPDX-License-Identifier: Apache-2.0
// Calls every method of one type from JavaScript, like walk.py from Python: `gjs walk.js ADDRESS TYPE KIND`. Without arguments it
// prints the types and kinds. JavaScript converts types where Python refuses them, such as the GValue of a property. Prints each
// call before it is made.
imports.gi.versions.DeyeBus = '1.0';
imports.gi.versions.GIRepository = '2.0';
const System = imports.system;
const {DeyeBus, Gio, GIRepository, GLib, GObject} = imports.gi;

const EVENT = 'events.process.started';
const [address, typeName, kind] = ARGV;
let count = 0;

function newName() {
    count += 1;
    return `js-${new Gio.Credentials().get_unix_pid()}-${count}`;
}

// Values that the object of a call refers to: they must live as long as the object.
let kept = [];

function connected() {
    const client = DeyeBus.Client.new(address, newName(), 'procmond');
    // Connects with reconnect switched off, because with it a client first waits for a random time.
    client.set_reconnect(false);
    client.connect(null);
    client.set_reconnect(true);
    kept.push(client);
    return client;
}

function subscription(callback) {
    const client = DeyeBus.Client.new_tool(address, newName());
    client.connect(null);
    kept.push(client);
    return client.subscribe('events.process.#', null, callback, null);
}

function bytes(text) {
    return new GLib.Bytes(new TextEncoder().encode(text));
}

const KINDS = {
    Client: {
        'bare': () => new DeyeBus.Client(),
        'by-properties': () => new DeyeBus.Client({id: 'x-1', type: 'x', reconnect: false}),
        'no-socket': () => DeyeBus.Client.new_for_fd(-1, 'x', 'x'),
        'connected': connected,
        'closed': () => {
            const client = connected();
            client.close(null);
            return client;
        },
    },
    Service: {
        'bare': () => new DeyeBus.Service(),
        'bad-name': () => new DeyeBus.Service({name: 'bad name!'}),
        'made': () => DeyeBus.Service.new('org.example.Walked', null),
        'added': () => {
            const service = DeyeBus.Service.new('org.example.Walked', null);
            connected().add_service(service);
            return service;
        },
    },
    Subscription: {
        'bare': () => new DeyeBus.Subscription(),
        'inbox': () => subscription(null),
        'callback': () => subscription(() => {}),
    },
    Message: {
        'received': () => {
            const to = subscription(null);
            connected().publish(EVENT, bytes('text'), null, null);
            return to.next(-1, null);
        },
    },
    Peer: {
        'received': () => {
            const client = connected();
            return client.wait_for_peer(client.id, null, null);
        },
    },
    PeerWatch: {
        'bare': () => new DeyeBus.PeerWatch(),
        'one': () => connected().watch_peers('x'),
        'refused': () => connected().watch_peers(null),
    },
    Sender: {
        'bare': () => new DeyeBus.Sender(),
        'connected': () => DeyeBus.Sender.new(connected(), 2, 0),
        'closed': () => {
            const sender = DeyeBus.Sender.new(connected(), 0, 0);
            sender.close();
            return sender;
        },
    },
    Options: {'zeroed': () => new DeyeBus.Options(), 'made': () => DeyeBus.Options.new()},
    SubscribeOptions: {'zeroed': () => new DeyeBus.SubscribeOptions(), 'made': () => DeyeBus.SubscribeOptions.new()},
    PublishResult: {'zeroed': () => new DeyeBus.PublishResult()},
    Task: {'bare': () => new DeyeBus.Task(), 'submitted': () => connected().submit(spec())},
    // A stopped collector, so that run() and stop() end at once.
    Collector: {
        'bare': () => new DeyeBus.Collector(),
        'stopped': () => {
            const collector = DeyeBus.Collector.new_for_client(connected());
            collector.start(null);
            collector.stop(1, null);
            kept.push(collector.get_client());
            return collector;
        },
    },
    Work: {'bare': () => new DeyeBus.Work()},
    StandingTask: {'made': () => DeyeBus.StandingTask.new('s-1', 'watch', null, null)},
    TaskSpec: {'made': spec},
    GatherSpec: {'made': question},
    Gather: {'bare': () => new DeyeBus.Gather(), 'asked': () => connected().gather_begin(question())},
};

function question() {
    const made = DeyeBus.GatherSpec.new('nothing');
    made.set_require_any();
    made.set_timeout(100000);
    return made;
}

function spec() {
    const made = DeyeBus.TaskSpec.new('nothing');
    made.set_timeout(100000);
    return made;
}

function badOptions() {
    const options = new DeyeBus.Options();
    options.set_timeout(-1);
    options.add_tag('no=key', '');
    return options;
}

function cancelled() {
    const cancellable = new Gio.Cancellable();
    cancellable.cancel();
    return cancellable;
}

const OBJECTS = {
    Bytes: [() => bytes(''), () => bytes('garbage')],
    Options: [() => new DeyeBus.Options(), badOptions],
    SubscribeOptions: [() => new DeyeBus.SubscribeOptions()],
    Client: Object.values(KINDS.Client),
    Service: Object.values(KINDS.Service),
    TaskSpec: Object.values(KINDS.TaskSpec),
    GatherSpec: Object.values(KINDS.GatherSpec),
    Message: [KINDS.Message.received],
    Peer: [KINDS.Peer.received],
    PublishResult: [() => new DeyeBus.PublishResult()],
    Cancellable: [cancelled, () => new Gio.Cancellable()],
    AsyncResult: [() => Gio.Task.new(null, null, null)],
    Value: [() => 7, () => 'text', () => 0.5, () => true, () => new GObject.Value(), () => new Gio.Cancellable()],
    Error: [() => new GLib.Error(Gio.IOErrorEnum, 1, 'text')],
};
const TEXTS = ['x', '', 'bad name!', EVENT, '#.#', 'ü'.repeat(300)];
const {InfoType, TypeTag} = GIRepository;

function candidates(argument) {
    const type = GIRepository.arg_info_get_type(argument);
    const tag = GIRepository.type_info_get_tag(type);
    let found = [0, 1, 3, -1];
    if (tag === TypeTag.ARRAY)
        return [() => [bytes('one'), bytes('')], () => []];
    if (tag === TypeTag.UTF8 || tag === TypeTag.FILENAME) {
        found = TEXTS;
    } else if (tag === TypeTag.BOOLEAN) {
        found = [true, false];
    } else if (tag === TypeTag.INTERFACE) {
        const target = GIRepository.type_info_get_interface(type);
        if (target.get_type() === InfoType.CALLBACK)
            return [() => () => {}, () => null];
        if (![InfoType.ENUM, InfoType.FLAGS].includes(target.get_type()))
            return [...OBJECTS[target.get_name()], () => null];
    }
    return [...found, null].map(value => () => value);
}

// JavaScript passes no closure, no destroy notify, no length of an array, and no out argument.
function argumentsOf(method) {
    const all = [];
    const hidden = new Set();
    for (let i = 0; i < GIRepository.callable_info_get_n_args(method); i++) {
        const argument = GIRepository.callable_info_get_arg(method, i);
        all.push(argument);
        hidden.add(GIRepository.arg_info_get_destroy(argument));
        hidden.add(GIRepository.arg_info_get_closure(argument));
        hidden.add(GIRepository.type_info_get_array_length(GIRepository.arg_info_get_type(argument)));
    }
    return all.filter((argument, i) =>
        !hidden.has(i) && GIRepository.arg_info_get_direction(argument) !== GIRepository.Direction.OUT);
}

function* combinations(infos) {
    const choices = infos.map(candidates);
    const usual = choices.map((choice, i) => choice[GIRepository.arg_info_may_be_null(infos[i]) ? choice.length - 1 : 0]);
    yield usual;
    for (let i = 0; i < choices.length; i++) {
        for (const value of choices[i])
            yield usual.map((one, k) => k === i ? value : one);
    }
}

// As documented, next() of a live subscription waits without limit, and wait_for_peer() for 30 s. The first of TEXTS could be an id.
function waitsForEver(name, values) {
    if (name === 'wait_for_peer')
        return kind === 'connected' && values[0] === TEXTS[0] && !(values[2] && values[2].is_cancelled());
    return kind === 'inbox' && name === 'next' && values[0] < 0 && !(values[1] && values[1].is_cancelled());
}

function walk(info) {
    const name = info.get_name();
    let reached = 0;
    for (const makers of combinations(argumentsOf(info))) {
        const object = KINDS[typeName][kind]();
        const values = makers.map(make => make());
        if (waitsForEver(name, values))
            continue;
        print(`${typeName}.${name} (${values.map(String).join(', ')})`);
        try {
            object[name](...values);
            reached += 1;
        } catch (error) {
            if (error instanceof GLib.Error)
                reached += 1;
        }
        for (let i = 0; i < 100 && GLib.MainContext.default().iteration(false); i++)
            ;
        kept.forEach(client => client.close(null));
        kept = [];
        System.gc();
    }
    if (reached === 0)
        throw new Error(`${name} was not reached`);
}

function walkType() {
    const repository = GIRepository.Repository.get_default();
    const info = repository.find_by_name('DeyeBus', typeName);
    const isObject = info.get_type() === InfoType.OBJECT;
    const total = isObject ? GIRepository.object_info_get_n_methods(info) : GIRepository.struct_info_get_n_methods(info);
    for (let i = 0; i < total; i++) {
        const method = isObject
            ? GIRepository.object_info_get_method(info, i)
            : GIRepository.struct_info_get_method(info, i);
        if (GIRepository.callable_info_is_method(method))
            walk(method);
    }
    print('done');
}

if (address) {
    walkType();
} else {
    for (const type of Object.keys(KINDS))
        Object.keys(KINDS[type]).forEach(one => print(`${type} ${one}`));
}
