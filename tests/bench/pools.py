#!/usr/bin/env python3
"""What bench_executor measures of mproc, of CPython's own pools: prints `case<TAB>per_second`, one a line.

usage: pools.py [CASE...]
"""
import multiprocessing
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.sharedctypes import RawValue

WORKERS = 2
ROUNDS = 3
fork = multiprocessing.get_context("fork")


def check_sum(case, total, count):
    if total != count * (count - 1) // 2:
        sys.exit(f"pools.py: {case}: the sum of {count} results is wrong")


def check_codes(*processes):
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        sys.exit("pools.py: a process failed")


def empty_job(index):
    return index


def executor_warm():
    executor = ProcessPoolExecutor(WORKERS, mp_context=fork)
    for future in [executor.submit(empty_job, i) for i in range(2 * WORKERS)]:
        future.result()
    return executor


def submit_result(count=5000):
    with executor_warm() as executor:
        begin = time.perf_counter()
        futures = [executor.submit(empty_job, i) for i in range(count)]
        total = sum(future.result() for future in futures)
        seconds = time.perf_counter() - begin
    check_sum("submit_result", total, count)
    return count / seconds


def round_trip(count=3000):
    with executor_warm() as executor:
        begin = time.perf_counter()
        total = sum(executor.submit(empty_job, i).result() for i in range(count))
        seconds = time.perf_counter() - begin
    check_sum("round_trip", total, count)
    return count / seconds


def pool_warm():
    pool = fork.Pool(WORKERS)
    pool.map(empty_job, range(2 * WORKERS), chunksize=1)
    return pool


def map_one():
    count = 20000
    with pool_warm() as pool:
        begin = time.perf_counter()
        total = sum(pool.imap_unordered(empty_job, range(count), chunksize=1))
        seconds = time.perf_counter() - begin
    check_sum("map", total, count)
    return count / seconds


def map_auto(count=500000):
    with pool_warm() as pool:
        begin = time.perf_counter()
        total = sum(pool.map(empty_job, range(count)))
        seconds = time.perf_counter() - begin
    check_sum("map_auto", total, count)
    return count / seconds


def queue_produce(queue, count):
    for i in range(count):
        queue.put(i.to_bytes(64, "little"))
    queue.put(None)


def queue_consume(queue, count):
    total = sum(int.from_bytes(item, "little") for item in iter(queue.get, None))
    check_sum("queue", total, count)


def queue(count=50000):
    shared = fork.SimpleQueue()
    begin = time.perf_counter()
    producer = fork.Process(target=queue_produce, args=(shared, count))
    consumer = fork.Process(target=queue_consume, args=(shared, count))
    producer.start()
    consumer.start()
    check_codes(producer, consumer)
    return count / (time.perf_counter() - begin)


def lock_count(shared, value, count):
    for _ in range(count):
        with shared:
            value.value += 1


def lock(count=300000):
    shared, value = fork.Lock(), RawValue("q", 0)
    begin = time.perf_counter()
    processes = [fork.Process(target=lock_count, args=(shared, value, count)) for _ in range(2)]
    for process in processes:
        process.start()
    check_codes(*processes)
    seconds = time.perf_counter() - begin
    if value.value != 2 * count:
        sys.exit("pools.py: lock: the count is wrong")
    return 2 * count / seconds


def start_job(index):
    sys.exit(index)


def process_start(count=100):
    total = 0
    begin = time.perf_counter()
    for i in range(count):
        process = fork.Process(target=start_job, args=(i,))
        process.start()
        process.join()
        total += process.exitcode
    seconds = time.perf_counter() - begin
    check_sum("process_start", total, count)
    return count / seconds


CASES = {"submit_result": submit_result, "round_trip": round_trip, "map": map_one,
         "map_auto": map_auto, "queue": queue, "lock": lock, "process_start": process_start}

if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        print(f"{name}\t{statistics.median(CASES[name]() for _ in range(ROUNDS)):.4g}", flush=True)
