//! Chat templates: expected texts are written by hand.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::jinja::JinjaValue;
use super::template::ChatTemplate;

fn chat(turns: &[(&str, &str)]) -> JinjaValue {
    let pair = |name: &'static str, value: &str| (JinjaValue::text(name), JinjaValue::text(value));
    let message = |(role, content): &(&str, &str)| {
        JinjaValue::dict(vec![pair("role", role), pair("content", content)]).expect("flat")
    };
    JinjaValue::list(turns.iter().map(message).collect()).expect("flat")
}

fn rendered(source: &str, turns: &[(&str, &str)]) -> Result<String, String> {
    let template = ChatTemplate::of(source).map_err(|error| error.to_string())?;
    template.render(chat(turns), JinjaValue::None).map_err(|fail| fail.to_string())
}

/// What an expression prints, with a chat of two messages.
fn printed(expression: &str) -> String {
    let turns = [("user", " It's 你好 \n"), ("assistant", "b")];
    rendered(&format!("{{{{ {expression} }}}}"), &turns).unwrap_or_else(|what| format!("! {what}"))
}

#[test]
fn the_least_of_128_bits_is_a_number_too_large() {
    for expression in ["((-2) ** 127) // -1", "((-2) ** 127) % -1", "((-2) ** 127) | abs"] {
        let found = printed(expression);
        assert!(found.contains("too large"), "{expression}: {found}");
    }
}

#[test]
fn expressions_print_as_in_python() {
    for (expression, expected) in [
        ("messages[0].content | trim", "It's 你好"),
        ("messages[0]['content'].strip()", "It's 你好"),
        ("messages[0].content | tojson", r#"" It's 你好 \n""#),
        ("messages[0].content | tojson(ensure_ascii=true)", r#"" It's \u4f60\u597d \n""#),
        ("{'b': 1, 'a': [1.0, none, true]} | tojson", r#"{"b": 1, "a": [1.0, null, true]}"#),
        ("{'b': 1, 'a': 2} | tojson(sort_keys=true)", r#"{"a": 2, "b": 1}"#),
        ("{'a': [1], 'b': {}} | tojson(indent=2)", "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}"),
        ("[1, 'x'] | tojson(separators=(',', ':'))", r#"[1,"x"]"#),
        ("'<&>' | tojson", r#""<&>""#),
        (
            "messages",
            r#"[{'role': 'user', 'content': " It's 你好 \n"}, {'role': 'assistant', 'content': 'b'}]"#,
        ),
        (
            "['\u{2028}\u{1}é', 1e20, 1e-5, 0.1, (1,), none]",
            r"['\u2028\x01é', 1e+20, 1e-05, 0.1, (1,), None]",
        ),
        ("1e16", "1e+16"),
        ("1e16 | string", "1e+16"),
        ("true ~ none ~ 1.0", "TrueNone1.0"),
        ("messages[1].nope", ""),
        ("messages[1].nope is defined", "False"),
        ("'a b  c '.split(none, 1)", "['a', 'b  c ']"),
        ("' a b  c'.rsplit(none, 1)", "[' a b', 'c']"),
        ("' a \u{1f}b '.split()", "['a', 'b']"),
        ("'a-b-c'.rsplit('-', 1)", "['a-b', 'c']"),
        ("'a\\r\\nb\\x0cc'.splitlines()", "['a', 'b', 'c']"),
        ("'xaxx'.strip('x') ~ 'xax'.lstrip('x') ~ 'xax'.rstrip('x')", "aaxxa"),
        ("'abc'.removeprefix('a').removesuffix('c')", "b"),
        ("'abc' is sequence and 'abc' is iterable and {} is sequence", "True"),
        ("bos_token ~ eos_token ~ pad_token", "<s></s>"),
        ("tools is none and documents is none and not add_generation_prompt", "True"),
        ("strftime_now('%d %b %Y, %-m, 100%%')", "26 Jul 2024, 7, 100%"),
        ("messages | selectattr('role', 'equalto', 'user') | list | length", "1"),
        ("(messages | last).role ~ messages[:1] | length", "assistant1"),
    ] {
        assert_eq!(printed(expression), expected, "{expression}");
    }
}

#[test]
fn blocks_are_trimmed_as_in_transformers() {
    let source = "{{ bos_token }}\n{% for message in messages %}\n  {% if message.role != 'x' %}\n\
                  [{{ message.role }}] {% generation %}{{ message.content }}{% endgeneration %}\n\
                  {% endif %}\n{% endfor %}\nend\r\n\n";
    let text = rendered(source, &[("user", "a"), ("assistant", " b ")]);
    assert_eq!(text.as_deref(), Ok("<s>\n[user] a[assistant]  b end\n"));
}

#[test]
fn templates_in_the_style_of_published_ones() {
    let turns = [("system", "S"), ("user", "U "), ("assistant", "A")];
    let chatml = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + \
                  '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}\
                  {{ '<|im_start|>assistant\\n' }}{% endif %}";
    assert_eq!(
        rendered(chatml, &turns).as_deref(),
        Ok("<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU <|im_end|>\n\
            <|im_start|>assistant\nA<|im_end|>\n")
    );
    let alternating = "{{ bos_token }}{% if messages[0].role == 'system' %}\
                       {% set system = messages[0].content %}{% set rest = messages[1:] %}\
                       {% else %}{% set system = '' %}{% set rest = messages %}{% endif %}\
                       {% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}\
                       {{ raise_exception('user and assistant take turns') }}{% endif %}\
                       {% if m.role == 'user' %}{{ '[INST] ' ~ (system ~ '\\n' if loop.first) ~ \
                       m.content | trim ~ ' [/INST]' }}{% else %}\
                       {{ ' ' ~ m.content | trim ~ eos_token }}{% endif %}{% endfor %}";
    assert_eq!(rendered(alternating, &turns).as_deref(), Ok("<s>[INST] S\nU [/INST] A</s>"));
    let refused = rendered(alternating, &[("user", "a"), ("user", "b")]).expect_err("two users");
    assert_eq!(
        refused,
        "it refuses the chat: \"user and assistant take turns\" (line 1 of the template)"
    );
}

#[test]
fn templates_that_are_no_jinja_are_refused() {
    for (source, what) in [
        ("{% if %}", "t.jinja: the chat template can't be used: a value is expected"),
        ("a\n{{ 'a", "a string does not end (line 2 of the template); leave out chat_template"),
        ("{% include 'x' %}", "the tag \"include\" is not supported"),
        ("{% for x in y %}", "{% endfor %} is missing"),
        ("{{ a b }}", "b is not expected"),
        ("{{ 1 is }}", "a name is expected"),
        ("{{ \u{7}", "is no part of a tag"),
        (
            &format!("{{{{ {}1{} }}}}", "(".repeat(900), ")".repeat(900)),
            "too many signs or brackets within each other",
        ),
        (&format!("{{{{ {}1 }}}}", "1 + ".repeat(3_000)), "more than 4000 words"),
        (&"{% if 1 %}".repeat(3_000), "too many blocks within blocks"),
    ] {
        let error = ChatTemplate::of(source).expect_err(source).to_string();
        assert!(error.contains(what), "{error}");
    }
}

/// What takes all time, memory or stack where nothing bounds it.
const HOSTILE: [(&str, &str); 20] = [
    ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps"),
    ("{% for a in range(9999999999) %}{% endfor %}", "more than 100000 numbers"),
    (
        "{% set n = namespace(s='x') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
        "steps",
    ),
    (
        "{% set n = namespace(s='x') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "steps",
    ),
    (
        "{% set n = namespace(s=[1]) %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "steps",
    ),
    ("{% macro f(l) %}{{ f(l + l) }}{% endmacro %}{{ f([1]) }}", "steps"),
    ("{{ ('x' * 99999999) * 99999999 }}", "steps"),
    ("{{ ([[0] * 99999999] * 99999999) ~ '' }}", "steps"),
    ("{{ 'x'.replace('', 'y' * 99999).replace('', 'y' * 99999) }}", "steps"),
    ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "too many calls within calls"),
    (
        "{% set n = namespace(s=1) %}{% for i in range(9999) %}{% set n.s = [n.s] %}{% endfor %}",
        "lists within lists",
    ),
    (
        "{% set n = namespace(s=1) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
        "steps",
    ),
    (
        "{% set n = namespace(s=1) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s | tojson }}",
        "steps",
    ),
    (
        "{% set n = namespace(s=1, t=1) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.s == n.t }}",
        "steps",
    ),
    ("{% set n = namespace() %}{% set n.n = n %}{{ n }}", "a namespace in a namespace"),
    ("{% set n = namespace() %}{% set n.n = [n] %}{{ n.n }}", "a namespace in a list"),
    ("{{ messages | tojson(indent=999999999) }}", "an indent of more than 64"),
    ("{{ 9 ** 9 ** 9 }}", "too large"),
    ("{{ 1 // 0 }}", "division by zero"),
    ("{{ range(0, 9, 0) }}", "a step of 0"),
];

#[test]
fn hostile_templates_end_with_an_error() {
    for (source, what) in HOSTILE {
        let started = Instant::now();
        let fail = rendered(source, &[("user", "a")]).expect_err(source);
        assert!(fail.contains(what), "{source}: {fail}");
        assert!(started.elapsed() < Duration::from_secs(10), "{source}");
    }
}

/// Calls of macros, each at the end of a long chain of operators.
#[test]
fn levels_are_bounded_together() {
    let chain = "1 ~ (1 + ".repeat(40) + "f()" + &")".repeat(40);
    let source = format!("{{% macro f() %}}{{{{ {chain} }}}}{{% endmacro %}}{{{{ f() }}}}");
    let deep = std::thread::Builder::new().stack_size(super::STACK_BYTES);
    let fail = deep.spawn(move || rendered(&source, &[])).expect("a thread").join();
    let fail = fail.expect("no overflow").expect_err("endless");
    assert!(fail.contains("too many"), "{fail}");
}

/// Fragments that make sense, so that templates of them get far.
fn fragment() -> impl Strategy<Value = String> {
    let value = "(messages|m|m\\.content|loop|n\\.s|'a\\\\n你'|-?[0-9]{1,30}|1\\.5e3|\\[1, m\\]|\\{'a': m\\}|none|x|range\\(9\\)|\\(\\))";
    let after = "(\\.role|\\[0\\]|\\[-1:\\]|\\[::-1\\]|\\.split\\('a', 1\\)|\\.items\\(\\)| \\| tojson\\(indent=2\\)| \\| length| \\| trim| \\| join\\(','\\)| \\| int| \\| sort| is string| \\| map\\(attribute='role'\\) \\| list| \\| indent\\(3\\)| \\| round\\(2\\)){0,2}";
    let binary = "( (\\+|-|\\*|/|//|%|~|==|<|in|not in|and|or|if|is) )";
    let expression = format!("{value}{after}({binary}{value}{after}){{0,2}}");
    let tags = prop::sample::select(vec![
        ("{{ ", " }}"),
        ("{%- if ", " %}"),
        ("{% for m in ", " -%}"),
        ("{% set x = ", " %}"),
        ("{% set n.s = ", " %}"),
        ("{% elif ", " %}"),
        ("{{- ", " -}}"),
        ("{% set n = namespace(s=", ") %}"),
        ("{% macro f(a=", ") %}"),
    ]);
    let expression = proptest::string::string_regex(&expression).expect("a regular expression");
    let tag = (tags, expression).prop_map(|((open, close), inner)| format!("{open}{inner}{close}"));
    let others = prop::sample::select(vec![
        "{% endif %}",
        "{% endfor %}",
        "{% else %}",
        "{% endmacro %}",
        "{{ f() }}",
        "{% break %}",
        "{# a #}",
        " \n ",
        "你",
        "{%",
        "}}",
        "{% raw %}{{{% endraw %}",
        "{% generation %}",
        "{% endgeneration %}",
        "{%- set x -%}",
        "{% endset %}",
    ]);
    prop_oneof![3 => tag, 2 => others.prop_map(str::to_owned)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_template_panics(parts in prop::collection::vec(fragment(), 1..8), close: bool) {
        let mut source = parts.concat();
        if close {
            // Ends what is open, so that more of them are rendered.
            for (open, end) in [(" if ", "{% endif %}"), ("{% for", "{% endfor %}"), ("{% macro", "{% endmacro %}")] {
                source += &end.repeat(source.matches(open).count().saturating_sub(source.matches(end).count()));
            }
        }
        let _ = rendered(&source, &[("user", "a b"), ("assistant", "c\u{85}")]);
    }
}
