-- What a column may have is a type, which Prisma's client knows, too.
CREATE TYPE app_access AS ENUM ('link', 'invited');
CREATE TYPE app_role AS ENUM ('owner', 'editor', 'viewer', 'removed');

ALTER TABLE app_document DROP CONSTRAINT app_document_access_check, ALTER COLUMN access TYPE app_access USING access::app_access;
ALTER TABLE app_invitation DROP CONSTRAINT app_invitation_role_check, ALTER COLUMN role TYPE app_role USING role::app_role,
    ADD CHECK (role IN ('editor', 'viewer'));
ALTER TABLE app_membership DROP CONSTRAINT app_membership_role_check, ALTER COLUMN role TYPE app_role USING role::app_role;
