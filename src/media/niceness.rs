//! Threads that encode stand back for those that serve pages, as helper programs do by `nice`.

/// Makes the calling thread, and all that it starts, stand back that far (0 to 19). It cannot come back: so it is
/// for threads that end with their work. Linux has a niceness for every thread, whatever POSIX says.
pub fn stand_back(niceness: u8) {
    // Where the process stands further back already there is nothing to do, and it is not allowed.
    let _ = rustix::process::setpriority_process(None, i32::from(niceness.min(19)));
}

#[cfg(test)]
mod tests {
    use super::stand_back;

    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[test]
    fn a_thread_and_what_it_starts_stand_back_and_the_others_do_not() {
        let before = niceness();
        let far = u8::try_from(before.max(0)).unwrap().max(10);
        let (mine, of_child) = std::thread::spawn(move || {
            stand_back(far);
            (niceness(), std::thread::spawn(niceness).join().unwrap())
        })
        .join()
        .unwrap();
        assert_eq!((mine, of_child), (far.into(), far.into()));
        assert_eq!(niceness(), before);
    }
}
