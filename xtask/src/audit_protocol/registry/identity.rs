//! Users, sessions, organisations, roles, provisioning. Source: the `identity` folder of the protocol.

use objectos_protocol::identity;

use super::entries;

entries! {
    "identity/InvitationStatus" => identity::InvitationStatus,
    "identity/SCIMPatchOperation" => identity::ScimPatchOperation,
    "identity/SCIMMemberReference" => identity::ScimMemberReference,
    "identity/Role" => identity::Role,
    "identity/SCIMGroupReference" => identity::ScimGroupReference,
    "identity/SCIMPhoneNumber" => identity::ScimPhoneNumber,
    "identity/SCIMName" => identity::ScimName,
    "identity/SCIMEmail" => identity::ScimEmail,
    "identity/SCIMBulkResponseOperation" => identity::ScimBulkResponseOperation,
    "identity/SCIMBulkOperation" => identity::ScimBulkOperation,
    "identity/SCIMAddress" => identity::ScimAddress,
    "identity/SCIMError" => identity::ScimError,
    "identity/SCIMEnterpriseUser" => identity::ScimEnterpriseUser,
    "identity/SCIMPatchRequest" => identity::ScimPatchRequest,
    "identity/VerificationToken" => identity::VerificationToken,
    "identity/SCIMMeta" => identity::ScimMeta,
    "identity/Member" => identity::Member,
    "identity/SCIMBulkResponse" => identity::ScimBulkResponse,
    "identity/User" => identity::User,
    "identity/Organization" => identity::Organization,
    "identity/SCIMBulkRequest" => identity::ScimBulkRequest,
    "identity/Session" => identity::Session,
    "identity/Account" => identity::Account,
    "identity/Invitation" => identity::Invitation,
    "identity/SCIMGroup" => identity::ScimGroup,
    "identity/SCIMUser" => identity::ScimUser,
    "identity/SCIMListResponse" => identity::ScimListResponse,
}
