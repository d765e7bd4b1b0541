//! Who a record is shared with.

use crate::wire_enum::wire_enum;

wire_enum! {
    /// What a record is shared with. Source: `security/ShareRecipientType`.
    pub enum ShareRecipientType {
        User = "user",
        Group = "group",
        Role = "role",
        RoleAndSubordinates = "role_and_subordinates",
        Guest = "guest",
    }
}

wire_enum! {
    /// How much a shared record is opened. Source: `security/SharingLevel`.
    #[derive(Default)]
    pub enum SharingLevel {
        #[default]
        Read = "read",
        Edit = "edit",
        Full = "full",
    }
}

wire_enum! {
    /// What decides which records are shared. Source: `security/SharingRuleType`.
    pub enum SharingRuleType {
        Owner = "owner",
        Criteria = "criteria",
    }
}

wire_enum! {
    /// Who sees records of an object that nobody shared. Source: `security/OWDModel`.
    pub enum OrgDefault {
        Private = "private",
        PublicRead = "public_read",
        PublicReadWrite = "public_read_write",
        ControlledByParent = "controlled_by_parent",
    }
}
