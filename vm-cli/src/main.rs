//! The command `vm`.

fn main() {
    let mut args = std::env::args().skip(1);
    let mut config = vm_runtime::Config::default();
    let mut trace = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-k" => config.kernel = Some(vm_runtime::Source::File(args.next().unwrap().into())),
            "-i" => config.initrd = Some(args.next().unwrap().into()),
            "--append" => config.append = args.next().unwrap(),
            "--cpus" => config.cpus = args.next().unwrap().parse().unwrap(),
            "--bare" => config.firmware = vm_runtime::Firmware::None,
            "--fw" => config.firmware = vm_runtime::Firmware::File(args.next().unwrap().into()),
            "--limit" => config.limit_insns = Some(args.next().unwrap().parse().unwrap()),
            "--virtual" => config.time = vm_runtime::TimeMode::Virtual,
            "--trace" => {
                let mut kinds = vm_runtime::TraceKinds::default();
                for name in args.next().unwrap().split(',') {
                    for (n, k) in vm_runtime::TraceKinds::NAMES {
                        if n == name {
                            kinds = kinds.with(k);
                        }
                    }
                }
                let w = vm_runtime::TraceWriter::new(
                    kinds,
                    vm_runtime::TraceFilter::default(),
                    Box::new(std::io::BufWriter::new(std::io::stderr())),
                );
                trace = Some(std::sync::Arc::new(std::sync::Mutex::new(w)));
            }
            _ => panic!("{arg}"),
        }
    }
    struct Out;
    impl vm_runtime::ConsoleIo for Out {
        fn print(&mut self, bytes: &[u8]) {
            use std::io::Write;
            let _ = std::io::stdout().write_all(bytes);
            let _ = std::io::stdout().flush();
        }
    }
    let hub = vm_runtime::ConsoleHub::new(Box::new(Out));
    hub.close();
    let mut vm = vm_runtime::Vm::new(config, hub, trace.map(|t| t as _)).unwrap();
    let t = std::time::Instant::now();
    let e = vm.run().unwrap();
    eprintln!("{e:?} {:?} {:?}", vm.block_stats(), t.elapsed());
}
