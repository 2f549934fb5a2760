//! The refusals that do not depend on what an operation does but on what it is asked with: each follows from its shape, so that none can be
//! forgotten beside a handler. What a handler says itself of a status stands.

use super::super::acts;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
};

/// What decides which refusals an operation has.
struct Shape {
    is_administrative: bool,
    is_for_known_callers: bool,
    is_for_users: bool,
    has_parameters: bool,
    has_body: bool,
    may_write: bool,
}

struct AddedStatus {
    status: &'static str,
    name: &'static str,
    description: &'static str,
    applies: fn(&Shape) -> bool,
}

const REFUSALS: [AddedStatus; 11] = [
    AddedStatus {
        status: "400",
        name: "BadRequest",
        description: "Something in the address, the query or the body cannot be; the message says what",
        applies: |shape| shape.has_parameters || shape.has_body,
    },
    AddedStatus {
        status: "401",
        name: "NotLoggedIn",
        description: "Nobody has proved who asks, or the proof is not good any more",
        applies: |shape| shape.is_for_known_callers,
    },
    AddedStatus {
        status: "403",
        name: "Forbidden",
        description: "Not allowed: the role is too little, a password or second factor has to be set up first, or a change by name and password came \
                      without the header that no form can send",
        applies: |shape| shape.is_for_known_callers,
    },
    AddedStatus {
        status: "413",
        name: "TooLarge",
        description: "The body is larger than what is taken",
        applies: |shape| shape.has_body,
    },
    AddedStatus {
        status: "415",
        name: "UnsupportedMedia",
        description: "The body is of another kind than the one that is taken",
        applies: |shape| shape.has_body,
    },
    AddedStatus {
        status: "421",
        name: "Misdirected",
        description: "The request is for a server of another name than this one has",
        applies: |_| true,
    },
    AddedStatus {
        status: "423",
        name: "Locked",
        description: "An administrator has locked the mailbox",
        applies: |shape| shape.is_for_users,
    },
    AddedStatus {
        status: "429",
        name: "TooManyRequests",
        description: "Too many tries with a wrong password: Retry-After says how long to wait",
        applies: |shape| shape.is_administrative,
    },
    AddedStatus {
        status: "500",
        name: "Internal",
        description: "The server's own fault; its log has the cause under the reference",
        applies: |_| true,
    },
    AddedStatus {
        status: "503",
        name: "Unavailable",
        description: "Not at present: too much to do, or going out of service. Ask again after Retry-After, or ask the partner",
        applies: |_| true,
    },
    AddedStatus {
        status: "507",
        name: "NoRoom",
        description: "The disk is nearly full: nothing new is taken, and deleting works",
        applies: |shape| shape.may_write,
    },
];

impl AddedStatus {
    fn response(&self) -> Response {
        let error = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("ApiError")))
            .build();
        ResponseBuilder::new()
            .description(self.description)
            .content("application/json", error)
            .build()
    }
}

/// Adds them to every operation of the document.
pub fn complete(mut document: OpenApi) -> OpenApi {
    let components = document
        .components
        .get_or_insert_with(|| ComponentsBuilder::new().build());
    for refusal in &REFUSALS {
        let response = RefOr::T(refusal.response());
        components.responses.insert(refusal.name.into(), response);
    }
    for (path, item) in &mut document.paths.paths {
        let looking = item.get.iter_mut().map(|operation| (operation, false));
        let doing = [
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        let doing = doing
            .into_iter()
            .flatten()
            .map(|operation| (operation, true));
        for (operation, may_write) in looking.chain(doing) {
            let shape = Shape {
                is_administrative: path.starts_with(acts::ADMIN),
                is_for_known_callers: operation.security.is_some(),
                is_for_users: is_for_users(operation),
                has_parameters: operation.parameters.is_some(),
                has_body: operation.request_body.is_some(),
                may_write,
            };
            add(operation, &shape);
        }
    }
    document
}

/// Whether a user's session opens it.
fn is_for_users(operation: &Operation) -> bool {
    let session = SecurityRequirement::new("session", Vec::<String>::new());
    let ways = operation.security.as_ref();
    ways.is_some_and(|ways| ways.contains(&session))
}

fn add(operation: &mut Operation, shape: &Shape) {
    for refusal in REFUSALS.iter().filter(|refusal| (refusal.applies)(shape)) {
        let named = || RefOr::Ref(Ref::from_response_name(refusal.name));
        let responses = &mut operation.responses.responses;
        responses.entry(refusal.status.into()).or_insert_with(named);
    }
}
