//! Chat templates: hostile ones end with a text or an error, the same one each time.

use std::thread::Builder;

use crate::chat::{STACK_BYTES, fuzz::render};

/// Bytes of a text that no allowance of a row pays for.
const MOST_BYTES: usize = 128 << 20;

/// A template, and behind a NUL the contents of messages, with a NUL between.
pub(super) fn check(bytes: &[u8]) -> bool {
    let all = String::from_utf8_lossy(bytes).into_owned();
    // As much stack as rows are rendered with.
    let thread = Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let mut parts = all.split('\0');
        let source = parts.next().unwrap_or_default();
        let contents: Vec<&str> = parts.collect();
        let found = render(source, &contents);
        assert_eq!(found, render(source, &contents), "it is rendered in two ways");
        let length = found.as_ref().map_or(0, String::len);
        assert!(length <= MOST_BYTES, "{length} bytes are more than what is paid for");
        found.is_some()
    });
    thread.expect("a thread").join().expect("a template is an error or a text")
}

/// Templates in the manner of published ones, and what has been wrong with some.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let chat = "\0Be brief.\0 It's 你好 \n\0b\0{\"a\": 1}";
    let templates = [
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message.content | trim + '<|im_end|>' }}\n{% endfor %}",
        "{{ bos_token }}{%- if messages[0].role == 'system' -%}{%- set rest = messages[1:] -%}{%- else -%}{%- set rest = messages -%}{%- endif -%}{%- for m in rest -%}[{{ loop.index0 % 2 }}]{{ m.content.strip() ~ eos_token }}{%- endfor -%}",
        "{% macro show(m, n=1) %}{{ m | tojson(indent=2) }}{{ n // -1 }}{% endmacro %}{% set ns = namespace(i=0) %}{% for m in messages | selectattr('role', 'equalto', 'user') %}{% set ns.i = ns.i + 1 %}{{ show(m, n=ns.i ** 2) }}{% endfor %}",
        "{{ messages | map(attribute='role') | unique | sort(reverse=true) | join(', ') }}{{ messages[-1].content.split(':', 1)[0][::-1] | upper }}",
        "{% if tools is defined and tools %}x{% elif messages | length > 3 %}{{ {'b': [1.5, none], 'a': 'é'} | dictsort }}{% else %}{{ raise_exception('short') }}{% endif %}",
    ];
    templates.iter().map(|template| [template.as_bytes(), chat.as_bytes()].concat()).collect()
}
