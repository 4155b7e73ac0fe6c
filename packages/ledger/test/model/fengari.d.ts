/** The part of fengari's C-like API that lua.ts uses. The package has no types. */
declare module 'fengari' {
  type State = object;
  type LuaString = Uint8Array;
  interface Fengari {
    lua: {
      LUA_OK: 0;
      LUA_REGISTRYINDEX: number;
      LUA_TNUMBER: number;
      LUA_TTABLE: number;
      LUA_TBOOLEAN: number;
      lua_createtable(L: State, items: number, fields: number): void;
      lua_getglobal(L: State, name: LuaString): void;
      lua_gettop(L: State): number;
      lua_pcall(L: State, args: number, results: number, handler: number): number;
      lua_pushboolean(L: State, value: boolean): void;
      lua_pushcfunction(L: State, work: (L: State) => number): void;
      lua_pushnumber(L: State, value: number): void;
      lua_pushstring(L: State, value: LuaString): void;
      lua_rawgeti(L: State, at: number, index: number): void;
      lua_rawlen(L: State, at: number): number;
      lua_rawseti(L: State, at: number, index: number): void;
      lua_setfield(L: State, at: number, name: LuaString): void;
      lua_setglobal(L: State, name: LuaString): void;
      lua_settop(L: State, at: number): void;
      lua_tojsstring(L: State, at: number): string;
      lua_tonumber(L: State, at: number): number;
      lua_tostring(L: State, at: number): LuaString;
      lua_type(L: State, at: number): number;
    };
    lauxlib: {
      luaL_dostring(L: State, source: LuaString): boolean;
      luaL_loadstring(L: State, source: LuaString): number;
      luaL_newstate(): State;
      luaL_ref(L: State, table: number): number;
    };
    lualib: { luaL_openlibs(L: State): void };
    to_luastring(text: string): LuaString;
  }
  const fengari: Fengari;
  export default fengari;
}
