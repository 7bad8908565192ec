// SPDX-License-Identifier: Apache-2.0
// The rules of docs/evm-formats.md section 2 as custom errors: same words as the native verifier, in PascalCase.
pragma solidity 0.8.37;

interface Rules {
    error HeaderRlp();
    error HeaderFields();
    error HeaderTooLarge();
    error ExtraData();
    error ValidatorContractMode();
    error ValidatorsEmpty();
    error ValidatorsDuplicate();
    error ValidatorsTooMany();
    error MixHash();
    error Difficulty();
    error Ommers();
    error Nonce();
    error BeneficiaryNotValidator();
    error RoundEncoding();
    error SealLength();
    error SealSignature();
    error SealNotValidator();
    error SealDuplicate();
    error Quorum(uint256 expected, uint256 found);
    error Overlap(uint256 expected, uint256 found);
    error TrustedHeightUnknown();
    error TrustedValidators();
    error HeightNotNewer();
    error HeightTooOld();
    error TimeNotNewer();
    error TimeInFuture();
    error TrustingPeriod();
    error ClientFrozen();
    error AccountProof();
    error AccountAbsent();
    error AccountRlp();
    error ProofEmpty();
    error ProofNodeMissing();
    error ProofNodeUnused();
    error ProofNodeHash();
    error ProofNodeRlp();
    error ProofPathEncoding();
    error ProofTruncated();
    error ProofEmbeddedSize();
    error ProofAbsent();
    error ProofPresent();
    error ValueMismatch();
    error ValueEncoding();
    error ProofTooLarge();
    error PathShape();
    error MisbehaviourSame();
    error MisbehaviourHeights();
    error HeaderConflict();
}
