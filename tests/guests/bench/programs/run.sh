#!/bin/sh
# Runs a compiler and an interpreter in the guest. `benchscale=PERCENT` on the kernel's command
# line says how much of the work is done, `benchrows=NAME,NAME` which of it.
scale=100
rows=gcc,python
for word in $(cat /proc/cmdline); do
    case $word in
    benchscale=*) scale=${word#benchscale=} ;;
    benchrows=*) rows=${word#benchrows=} ;;
    esac
done
export PATH=/usr/bin:/bin

# One line for the name, with what the command printed as its checksum.
row() {
    name=$1
    shift
    case ,$rows, in *,$name,*) ;; *) return ;; esac
    if "$@" >/tmp/out; then
        echo "BENCH $name 0 0 $(sha256sum </tmp/out | cut -c 1-16)"
    else
        echo "VM-FAIL $name"
    fi
}

compile() {
    gcc -O2 -nostdinc -c -DSCALE="$scale" -o /tmp/unit.o /bench/unit.c && cat /tmp/unit.o
}

echo "BENCH warm 0 0 0"
row gcc compile
row python python3 -I -S -B /bench/loop.py "$scale"
echo "VM-BENCH end"
