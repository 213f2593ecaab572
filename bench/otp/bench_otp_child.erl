%% A gen_server that does nothing but say that it runs.
-module(bench_otp_child).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2]).

init({I, Owner}) ->
    Owner ! {up, I, self()},
    {ok, idle}.

handle_call(_, _, State) -> {reply, ok, State}.
handle_cast(_, State) -> {noreply, State}.
