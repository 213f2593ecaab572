%% What Erlang/OTP's own supervisor does, measured as the JavaScript programs beside it are: one figure per cold run.
%%
%%   erl -noshell -s bench_otp main <measure> <number of children> <number of crashes, or ms>
%%
%% Children are gen_servers, which is what people write; `simple` ones are plain processes under simple_one_for_one.
-module(bench_otp).
-behaviour(supervisor).
-export([main/1, init/1, start_child/2, start_plain/2]).

-define(INTENSITY, 1000000000).
-define(PERIOD_S, 1).

main([Measure, Number, Amount]) ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    N = list_to_integer(atom_to_list(Number)),
    Figures = measure(Measure, N, list_to_integer(atom_to_list(Amount))),
    io:format("{~s}~n", [lists:join(",", [io_lib:format("\"~s\":~p", [Name, Value]) || {Name, Value} <- Figures])]),
    erlang:halt(0).

measure(restarts, N, Crashes) ->
    start(one_for_one, N),
    burst(N, Crashes);
measure(restarts_simple, N, Crashes) ->
    start_simple(N),
    burst(N, Crashes);
measure(sustained, N, Ms) ->
    start(one_for_one, N),
    Pids = pids(N),
    [{perSecond, rate(fun() -> crash_until(Pids, #{}, erlang:monotonic_time(millisecond) + Ms, 0) end)}];
measure(start, N, _) ->
    [{ms, ms(fun() -> start(one_for_one, N) end)}];
measure(one_for_all, N, _) ->
    start(one_for_all, N),
    First = element(1, pids(N)),
    [{ms, ms(fun() -> exit(First, crash), pids(N) end)}];
measure(stop, N, _) ->
    {ok, Sup} = start(one_for_one, N),
    [{ms, ms(fun() -> stop(Sup) end)}];
measure(drain, N, DrainMs) ->
    {ok, Sup} = start_simple(N, DrainMs),
    [{ms, ms(fun() -> stop(Sup) end)}];
measure(memory, N, _) ->
    collect_garbage(),
    Before = erlang:memory(total),
    {ok, _} = start(one_for_one, N),
    collect_garbage(),
    [{bytesPerChild, (erlang:memory(total) - Before) / N}].

collect_garbage() ->
    [erlang:garbage_collect(Pid) || Pid <- processes()].

start(Strategy, N) ->
    ets:new(up, [named_table, public, {write_concurrency, true}]),
    ets:insert(up, {owner, self()}),
    {ok, Sup} = supervisor:start_link(?MODULE, {Strategy, N}),
    {ok, Sup}.

start_simple(N) -> start_simple(N, 0).

start_simple(N, DrainMs) ->
    ets:new(up, [named_table, public, {write_concurrency, true}]),
    ets:insert(up, {owner, self()}),
    {ok, Sup} = supervisor:start_link(?MODULE, {simple, DrainMs}),
    [{ok, _} = supervisor:start_child(Sup, [I]) || I <- lists:seq(1, N)],
    {ok, Sup}.

init({simple, DrainMs}) ->
    Child = #{id => child, start => {?MODULE, start_plain, [DrainMs]}, shutdown => 5000},
    {ok, {#{strategy => simple_one_for_one, intensity => ?INTENSITY, period => ?PERIOD_S}, [Child]}};
init({Strategy, N}) ->
    Owner = ets:lookup_element(up, owner, 2),
    Children = [#{id => I, start => {?MODULE, start_child, [I, Owner]}} || I <- lists:seq(1, N)],
    {ok, {#{strategy => Strategy, intensity => ?INTENSITY, period => ?PERIOD_S}, Children}}.

start_child(I, Owner) ->
    gen_server:start_link(bench_otp_child, {I, Owner}, []).

start_plain(DrainMs, I) ->
    Owner = ets:lookup_element(up, owner, 2),
    {ok, spawn_link(fun() ->
        DrainMs > 0 andalso process_flag(trap_exit, true),
        Owner ! {up, I, self()},
        receive {'EXIT', _, shutdown} -> timer:sleep(DrainMs), exit(shutdown) end
    end)}.

stop(Sup) ->
    unlink(Sup),
    Ref = monitor(process, Sup),
    exit(Sup, shutdown),
    receive {'DOWN', Ref, process, Sup, _} -> ok end.

%% The process of each child, from what the children said when they began.
pids(N) ->
    list_to_tuple([Pid || {_, Pid} <- lists:sort(collected(N, []))]).

collected(0, Pids) -> Pids;
collected(Left, Pids) -> receive {up, I, Pid} -> collected(Left - 1, [{I, Pid} | Pids]) end.

burst(N, Crashes) ->
    Pids = pids(N),
    Warm = crash_in_turn(Pids, 0, 50, #{}),
    [{perSecond, rate(fun() -> crash_in_turn(Pids, 50, 50 + Crashes, Warm), Crashes end)}].

%% Crashes one child after another, each once the one before is running again; returns the processes that replaced the first ones.
crash_in_turn(_, Until, Until, Replaced) -> Replaced;
crash_in_turn(Pids, Done, Until, Replaced) ->
    I = Done rem tuple_size(Pids) + 1,
    exit(case Replaced of #{I := Pid} -> Pid; _ -> element(I, Pids) end, crash),
    receive {up, I, New} -> crash_in_turn(Pids, Done + 1, Until, Replaced#{I => New}) end.

crash_until(Pids, Replaced, UntilMs, Done) ->
    case erlang:monotonic_time(millisecond) >= UntilMs of
        true -> Done;
        false -> crash_until(Pids, crash_in_turn(Pids, Done, Done + 100, Replaced), UntilMs, Done + 100)
    end.

ms(Run) ->
    Begun = erlang:monotonic_time(microsecond),
    Run(),
    (erlang:monotonic_time(microsecond) - Begun) / 1000.

rate(Run) ->
    Begun = erlang:monotonic_time(microsecond),
    Done = Run(),
    Done * 1000000 / (erlang:monotonic_time(microsecond) - Begun).
