//! V: vectors; manual, volume I, "V Extension".
//!
//! Nothing is offered yet: the rows are the instruction formats, which decode and print the fields
//! that the formats have.

#[rustfmt::skip] // One row a format.
vm_ir::rows! {
    "V"
    VSETVLI  "0 i[10:0] aaaaa 111 ddddd 1010111"             "vsetvli {d}, {a}, {i:u}"                          todo;
    VSETIVLI "11 i[9:0] uuuuu 111 ddddd 1010111"             "vsetivli {d}, {u:u}, {i:u}"                       todo;
    VSETVL   "1000000 bbbbb aaaaa 111 ddddd 1010111"         "vsetvl {d}, {a}, {b}"                             todo;
    VL8      "nnn w oo m bbbbb aaaaa 000 ddddd 0000111"      "v.load8 {d:v}, ({a}), {b:u}, {n:u}, {w:u}, {o:u}, {m:u}"  todo;
    VL16     "nnn w oo m bbbbb aaaaa 101 ddddd 0000111"      "v.load16 {d:v}, ({a}), {b:u}, {n:u}, {w:u}, {o:u}, {m:u}" todo;
    VL32     "nnn w oo m bbbbb aaaaa 110 ddddd 0000111"      "v.load32 {d:v}, ({a}), {b:u}, {n:u}, {w:u}, {o:u}, {m:u}" todo;
    VL64     "nnn w oo m bbbbb aaaaa 111 ddddd 0000111"      "v.load64 {d:v}, ({a}), {b:u}, {n:u}, {w:u}, {o:u}, {m:u}" todo;
    VS8      "nnn w oo m bbbbb aaaaa 000 ddddd 0100111"      "v.store8 {d:v}, ({a}), {b:u}, {n:u}, {w:u}, {o:u}, {m:u}"  todo;
    VS16     "nnn w oo m bbbbb aaaaa 101 ddddd 0100111"      "v.store16 {d:v}, ({a}), {b:u}, {n:u}, {w:u}, {o:u}, {m:u}" todo;
    VS32     "nnn w oo m bbbbb aaaaa 110 ddddd 0100111"      "v.store32 {d:v}, ({a}), {b:u}, {n:u}, {w:u}, {o:u}, {m:u}" todo;
    VS64     "nnn w oo m bbbbb aaaaa 111 ddddd 0100111"      "v.store64 {d:v}, ({a}), {b:u}, {n:u}, {w:u}, {o:u}, {m:u}" todo;
    OPIVV    "ffffff m bbbbb aaaaa 000 ddddd 1010111"        "v.opivv {f:u}, {d:v}, {b:v}, {a:v}, {m:u}"        todo;
    OPFVV    "ffffff m bbbbb aaaaa 001 ddddd 1010111"        "v.opfvv {f:u}, {d:v}, {b:v}, {a:v}, {m:u}"        todo;
    OPMVV    "ffffff m bbbbb aaaaa 010 ddddd 1010111"        "v.opmvv {f:u}, {d:v}, {b:v}, {a:v}, {m:u}"        todo;
    OPIVI    "ffffff m bbbbb iiiii 011 ddddd 1010111"        "v.opivi {f:u}, {d:v}, {b:v}, {i:s}, {m:u}"        todo;
    OPIVX    "ffffff m bbbbb aaaaa 100 ddddd 1010111"        "v.opivx {f:u}, {d:v}, {b:v}, {a}, {m:u}"          todo;
    OPFVF    "ffffff m bbbbb aaaaa 101 ddddd 1010111"        "v.opfvf {f:u}, {d:v}, {b:v}, {a:f}, {m:u}"        todo;
    OPMVX    "ffffff m bbbbb aaaaa 110 ddddd 1010111"        "v.opmvx {f:u}, {d:v}, {b:v}, {a}, {m:u}"          todo;
}
