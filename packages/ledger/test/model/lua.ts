import { readFileSync } from 'node:fs';
import fengari from 'fengari';

const { lua, lauxlib, lualib, to_luastring: text } = fengari;

/** What a script gets from Redis and gives to it. A character of a text stands for a byte. */
export type Value = string | number | false | readonly Value[];

/** Runs a Redis command of a script. */
export type Call = (command: string, args: string[]) => Value;

/** A change to the text of a script, or of the library before it. It fails if `from` is not there, so that no change goes unnoticed without effect. */
export interface Edit {
  script: string;
  from: string;
  to: string;
}

const DIRECTORY = new URL('../lua/', import.meta.resolve('@calltally/counters'));

/** As in packages/counters/src/scripts.ts. */
const LIBRARIES: Readonly<Record<string, string>> = { apply: 'add-detail', fill: 'add-detail' };

/**
 * 5.1 has `unpack` as a global, and all its numbers are doubles, which as texts have no needless fraction; integers of this
 * interpreter have 32 bits.
 */
const AS_IN_5_1 = `
  unpack = table.unpack
  local parse = tonumber
  function tonumber(text) local number = parse(text) return number and number + 0.0 end
  local text_of = tostring
  function tostring(value) return math.type(value) and string.format('%.14g', value) or text_of(value) end
`;

/** In 5.1 a whole number becomes a field's name without a fraction. */
const NAMES_AS_IN_5_1: readonly Edit[] = [
  {
    script: 'buckets',
    from: 'for day = first, last do',
    to: 'for day = math.tointeger(first), math.tointeger(last) do',
  },
  {
    script: 'segments',
    from: 'for number = first, last do',
    to: 'for number = math.tointeger(first), math.tointeger(last) do',
  },
];

/**
 * Runs the real scripts of packages/counters/lua in a Lua interpreter of this process, so that the model cannot
 * misunderstand them. Redis has Lua 5.1, this is 5.3; faithful-redis.test.ts compares the replies of both.
 */
export class LuaScripts {
  readonly #state = lauxlib.luaL_newstate();
  readonly #loaded = new Map<string, number>();
  readonly #edits: readonly Edit[];
  /** By what was run on which state: the reply, and fields and values of each key afterwards. */
  readonly known = new Map<string, { reply: Value; after: [string, string][][] }>();
  #call: Call = () => false;

  constructor(edits: readonly Edit[] = []) {
    this.#edits = edits;
    const L = this.#state;
    lualib.luaL_openlibs(L);
    lauxlib.luaL_dostring(L, text(AS_IN_5_1));
    const call = () => this.#callFromLua();
    this.#define('redis', { call, pcall: call });
    this.#define('struct', { pack: () => this.#pack(), unpack: () => this.#unpack() });
    this.#define('cmsgpack', { pack: () => this.#messagePack() });
    this.#define('cjson', { decode: () => this.#decodeJson() });
  }

  run(script: string, keys: readonly string[], args: readonly (string | number)[], call: Call): Value {
    const L = this.#state;
    this.#call = call;
    this.#push(keys);
    lua.lua_setglobal(L, text('KEYS'));
    this.#push(args.map(String));
    lua.lua_setglobal(L, text('ARGV'));
    lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, this.#load(script));
    const failed = lua.lua_pcall(L, 0, 1, 0) !== lua.LUA_OK;
    const reply = this.#valueAt(-1);
    lua.lua_settop(L, 0);
    if (failed) throw new Error(`${script}.lua: ${reply}`);
    return reply;
  }

  #define(library: string, functions: Readonly<Record<string, () => number>>): void {
    const L = this.#state;
    lua.lua_createtable(L, 0, Object.keys(functions).length);
    for (const [name, run] of Object.entries(functions)) {
      lua.lua_pushcfunction(L, run);
      lua.lua_setfield(L, -2, text(name));
    }
    lua.lua_setglobal(L, text(library));
  }

  #load(script: string): number {
    const known = this.#loaded.get(script);
    if (known !== undefined) return known;
    const library = LIBRARIES[script];
    const source = (library === undefined ? '' : this.#read(library)) + this.#read(script);
    if (lauxlib.luaL_loadstring(this.#state, text(source)) !== lua.LUA_OK) {
      throw new Error(`${script}.lua: ${lua.lua_tojsstring(this.#state, -1)}`);
    }
    const loaded = lauxlib.luaL_ref(this.#state, lua.LUA_REGISTRYINDEX);
    this.#loaded.set(script, loaded);
    return loaded;
  }

  #read(name: string): string {
    let source = readFileSync(new URL(`${name}.lua`, DIRECTORY), 'utf8');
    for (const edit of [...NAMES_AS_IN_5_1, ...this.#edits]) {
      if (edit.script !== name) continue;
      if (!source.includes(edit.from)) throw new Error(`${name}.lua no longer has: ${edit.from}`);
      source = source.replace(edit.from, () => edit.to);
    }
    return source;
  }

  #callFromLua(): number {
    // Numbers become text as in Redis: whole numbers without a fraction.
    const [command, ...args] = this.#arguments().map(String);
    this.#push(this.#call(command!, args));
    return 1;
  }

  /** `struct.pack`. */
  #pack(): number {
    const [format, ...numbers] = this.#arguments();
    const packed = integersIn(String(format)).map(({ isSigned, bytes }, i) => {
      const number = BigInt(numbers[i] as number);
      const fit = isSigned ? BigInt.asIntN(8 * bytes, number) : BigInt.asUintN(8 * bytes, number);
      // Redis would keep the low bytes.
      if (fit !== number) throw new Error(`${number} needs more than ${bytes} bytes`);
      const eight = Buffer.alloc(8);
      eight.writeBigInt64LE(BigInt.asIntN(64, number));
      return eight.subarray(0, bytes);
    });
    this.#push(Buffer.concat(packed).toString('latin1'));
    return 1;
  }

  /** `cmsgpack.pack` of a list of texts. */
  #messagePack(): number {
    const [list] = this.#arguments() as [readonly string[]];
    const parts = list.flatMap((one) => {
      const length = Buffer.alloc(5, 0xdb);
      length.writeUInt32BE(one.length, 1);
      return [one.length < 32 ? Buffer.from([0xa0 + one.length]) : length, Buffer.from(one, 'latin1')];
    });
    const head = Buffer.alloc(5, 0xdd);
    head.writeUInt32BE(list.length, 1);
    this.#push(Buffer.concat([head, ...parts]).toString('latin1'));
    return 1;
  }

  /** `cjson.decode` of a list of numbers. */
  #decodeJson(): number {
    this.#push(JSON.parse(String(this.#arguments()[0])));
    return 1;
  }

  /** `struct.unpack`: the numbers, and where the next one would begin, from 1. */
  #unpack(): number {
    const [format, packed, first = 1] = this.#arguments();
    const chunk = Buffer.from(String(packed), 'latin1');
    let at = Number(first) - 1;
    const integers = integersIn(String(format));
    for (const { isSigned, bytes } of integers) {
      const eight = Buffer.alloc(8);
      if (chunk.copy(eight, 0, at, at + bytes) < bytes) throw new Error('a chunk is too short');
      const number = eight.readBigUInt64LE();
      this.#push(Number(isSigned ? BigInt.asIntN(8 * bytes, number) : number));
      at += bytes;
    }
    this.#push(at + 1);
    return integers.length + 1;
  }

  /** Of the function that Lua has called. */
  #arguments(): Value[] {
    return Array.from({ length: lua.lua_gettop(this.#state) }, (_, i) => this.#valueAt(i + 1));
  }

  #push(value: Value): void {
    const L = this.#state;
    if (value === false) lua.lua_pushboolean(L, false);
    else if (typeof value === 'number') lua.lua_pushnumber(L, value);
    else if (typeof value === 'string') lua.lua_pushstring(L, Uint8Array.from(Buffer.from(value, 'latin1')));
    else {
      lua.lua_createtable(L, value.length, 0);
      value.forEach((item, i) => {
        this.#push(item);
        lua.lua_rawseti(L, -2, i + 1);
      });
    }
  }

  #valueAt(at: number): Value {
    const L = this.#state;
    const type = lua.lua_type(L, at);
    if (type === lua.LUA_TNUMBER) return lua.lua_tonumber(L, at);
    if (type === lua.LUA_TBOOLEAN) return false;
    if (type !== lua.LUA_TTABLE) return Buffer.from(lua.lua_tostring(L, at)).toString('latin1');
    const table = at < 0 ? lua.lua_gettop(L) + at + 1 : at;
    return Array.from({ length: lua.lua_rawlen(L, table) }, (_, i) => {
      lua.lua_rawgeti(L, table, i + 1);
      const item = this.#valueAt(-1);
      lua.lua_settop(L, -2);
      return item;
    });
  }
}

/** The integers of a format of `struct`, such as `<BI2i4i6`, little endian. */
function integersIn(format: string): { isSigned: boolean; bytes: number }[] {
  if (!/^<(B|[Ii]\d)*$/.test(format)) throw new Error(`this struct does not know ${format}`);
  return [...format.matchAll(/B|[Ii](\d)/g)].map(([kind, bytes = '1']) => ({
    isSigned: kind.startsWith('i'),
    bytes: Number(bytes),
  }));
}
