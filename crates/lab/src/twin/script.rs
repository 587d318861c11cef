//! A blueprint as files: one script that lays the networks, and what it reads.

use std::fmt::Write as _;
use std::path::Path;

use super::blueprint::{Blueprint, Namespace, Resolver};

/// Kernel settings of every namespace. Answers may come another way than the kernel would send; the user's tables decide. Who is
/// never answered gives up after seven seconds and not after two minutes.
const SETTINGS: &str = "\
echo 2 > /proc/sys/net/ipv4/tcp_syn_retries
for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $file; done
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null || true
";

/// Where programs look names up: nowhere but in files and DNS.
const NAMES: &str = "passwd: files\ngroup: files\nhosts: files dns\n";

/// A file of a twin: its path below the twin's folder, and its text.
pub(super) type File = (String, String);

/// The files that lay a blueprint in a folder. `lay.sh` is the script to run, inside the twin; it may be run on what another
/// blueprint left: namespaces that are kept live on with what runs inside them.
pub(super) fn files(blueprint: &Blueprint, folder: &Path, unbound: &Path) -> Vec<File> {
    let mut files = vec![
        ("lay.sh".to_owned(), format!("{ALONE}{}", lay(blueprint, unbound))),
        ("clear.sh".to_owned(), format!("{ALONE}{CLEAR}")),
        ("cables".to_owned(), cables(blueprint)),
    ];
    for one in &blueprint.namespaces {
        let name = &one.name;
        files.push((format!("{name}.ip"), one.commands.join("\n") + "\n"));
        files.push((format!("{name}.sh"), inside(one)));
        files.push((format!("{name}.nft"), format!("flush ruleset\n{}", one.filter)));
        if let Some(resolver) = &one.resolver {
            let (settings, zones) = unbound_files(name, resolver, folder);
            files.push((format!("{name}.unbound"), settings));
            files.extend(zones);
        }
    }
    for place in &blueprint.places {
        let lines = place.resolvers.iter().map(|address| format!("nameserver {address}\n"));
        let text: String = lines.chain(["options timeout:2 attempts:2\n".to_owned()]).collect();
        files.push((format!("{}.names/resolv", place.namespace), text));
        files.push((format!("{}.names/nsswitch", place.namespace), NAMES.to_owned()));
    }
    files
}

/// What scripts begin with: they run in the twin's folder, and wait for one another, since a script lives on when whoever started
/// it is killed.
const ALONE: &str = "\
set -eu
cd \"$(dirname \"$0\")\"
exec 9>> scripts
flock 9
";

/// Ends the DNS servers, and takes away the networks and every cable. Deleting an interface is done when the command returns,
/// deleting a namespace is not. A namespace without its mark `.NAME` was not made to the end.
const CLEAR: &str = "\
for file in *.unbound.pid; do
  [ -e \"$file\" ] || continue
  kill \"$(cat \"$file\")\" 2>/dev/null || true
  rm -f \"$file\" \"${file%.pid}.log\"
done
for place in ns/*; do
  [ -e \"$place\" ] || continue
  [ -e \"ns/.${place#ns/}\" ] || { umount \"$place\" 2>/dev/null || true; rm -f \"$place\"; continue; }
  nsenter --net=\"$place\" sh -c '
    for link in $(ls /proc/sys/net/ipv4/conf); do
      case $link in all|default|lo) ;; *) ip link del \"$link\" 2>/dev/null || true ;; esac
    done
    ip rule flush; ip rule add pref 0 lookup local; ip rule add pref 32766 lookup main
    ip route flush table all 2>/dev/null || true'
  case $place in ns/s*|ns/m*) ;; *) umount \"$place\"; rm -f \"$place\" \"ns/.${place#ns/}\" ;; esac
done
";

/// Starts the DNS servers and waits for them, ten seconds at most. Each has a session of its own: a Ctrl-C is not for them.
const SERVE: &str = "\
for name in NAMES; do
  rm -f $name.unbound.log; : > $name.unbound.log
  setsid nsenter --net=ns/$name UNBOUND -c $name.unbound > $name.unbound.log 2>&1 < /dev/null 9>&- &
  echo $! > $name.unbound.pid
done
for name in NAMES; do
  tries=0
  until grep -q 'start of service' $name.unbound.log; do
    tries=$((tries + 1))
    [ $tries -lt 500 ] || { cat $name.unbound.log >&2; exit 1; }
    sleep 0.02
  done
done
";

fn lay(blueprint: &Blueprint, unbound: &Path) -> String {
    let mut text = "mkdir -p ns\n".to_owned();
    let names: Vec<&str> = blueprint.namespaces.iter().map(|one| one.name.as_str()).collect();
    let _ = writeln!(
        text,
        "for name in {}; do\n  [ -e ns/.$name ] && continue\n  : > ns/$name\n  unshare --net=ns/$name true\n  : > ns/.$name\ndone",
        names.join(" ")
    );
    text += "ip -batch cables\n";
    let _ = writeln!(
        text,
        "for name in {}; do nsenter --net=ns/$name sh -eu $name.sh; done",
        names.join(" ")
    );
    let served = blueprint.namespaces.iter().filter(|one| one.resolver.is_some());
    let served: Vec<&str> = served.map(|one| one.name.as_str()).collect();
    text + &SERVE
        .replace("NAMES", &served.join(" "))
        .replace("UNBOUND", &unbound.display().to_string())
}

/// What is set inside a namespace.
fn inside(one: &Namespace) -> String {
    let forward = u8::from(one.forwards);
    let name = &one.name;
    format!(
        "{SETTINGS}echo {forward} > /proc/sys/net/ipv4/ip_forward\nip -batch {name}.ip\nnft -f {name}.nft\n"
    )
}

fn cables(blueprint: &Blueprint) -> String {
    let line = |ends: &[(String, String); 2]| {
        let [(from, port), (to, end)] = ends;
        format!("link add {port} netns ./ns/{from} type veth peer name {end} netns ./ns/{to}\n")
    };
    blueprint.cables.iter().map(|cable| line(&cable.ends)).collect()
}

/// Settings and zone files of a DNS server that asks nobody else. It mixes the ports that it may use one by one when it starts, so that
/// all 64,000 would take most of its time.
fn unbound_files(name: &str, resolver: &Resolver, folder: &Path) -> (String, Vec<File>) {
    let mut text = format!(
        "server:\n  chroot: \"\"\n  username: \"\"\n  directory: \"{}\"\n  pidfile: \"\"\n  do-daemonize: no\n  \
         use-syslog: no\n  logfile: \"\"\n  verbosity: 1\n  num-threads: 1\n  module-config: \"iterator\"\n  \
         access-control: 0.0.0.0/0 allow\n  do-ip6: no\n  qname-minimisation: no\n  cache-max-ttl: 0\n  \
         cache-max-negative-ttl: 0\n  msg-cache-size: 256k\n  rrset-cache-size: 256k\n  so-reuseport: no\n  \
         outgoing-range: 64\n  outgoing-port-avoid: 0-65535\n  outgoing-port-permit: 20000-20255\n",
        folder.display()
    );
    for address in &resolver.addresses {
        let _ = writeln!(text, "  interface: {address}");
    }
    text += "remote-control:\n  control-enable: no\n";
    let mut files = Vec::new();
    for (index, zone) in resolver.zones.iter().enumerate() {
        let file = format!("{name}.zone{index}");
        let _ = writeln!(
            text,
            "auth-zone:\n  name: \"{}.\"\n  zonefile: \"{file}\"\n  for-upstream: yes\n  for-downstream: no\n  fallback-enabled: no",
            zone.name
        );
        let origin = if zone.name.is_empty() { ".".to_owned() } else { format!("{}.", zone.name) };
        let head = format!(
            "{origin} 0 IN SOA ns.twin. host.twin. 1 3600 600 86400 0\n{origin} 0 IN NS ns.twin.\n"
        );
        files.push((file, head + &zone.records.join("\n") + "\n"));
    }
    (text, files)
}
